"""The catalogue of the published experiments."""

from __future__ import annotations

import numpy as np
import pytest

from fmsearch.models.families import FAMILIES
from fmsearch.search.reproduction.catalogue import (
    Experiment,
    choice_space,
    grid_space,
    load_catalogue,
)

CATALOGUE = load_catalogue()
TRAININGS = [one for one in CATALOGUE.experiments if not one.is_grid]
GRIDS = [one for one in CATALOGUE.experiments if one.is_grid]


@pytest.mark.parametrize("experiment", TRAININGS, ids=lambda one: one.id)
def test_a_training_has_the_published_number_of_parameters(experiment: Experiment) -> None:
    family = FAMILIES[CATALOGUE.model(experiment)]
    chosen = (CATALOGUE.origin(experiment).candidates or ({},))[0]
    model = family.make((28, 28), 10, CATALOGUE.settings(experiment, chosen))
    published = experiment.published
    trainable = sum(int(np.prod(one.shape)) for one in model.trainable_variables)
    assert published.parameters in (None, model.count_params())
    assert published.trainable in (None, trainable)


def test_all_rows_of_the_publication_are_there() -> None:
    assert [one.id for one in CATALOGUE.experiments if not one.id.startswith("cnn_4_")] == [
        *("mlp_1", "mlp_2", "mlp_grid", "mlp_grid_refit", "mlp_grid_2", "mlp_grid_2_refit"),
        *("cnn_1", "cnn_2", "cnn_3", "cnn_4"),
    ]


@pytest.mark.parametrize("experiment", GRIDS, ids=lambda one: one.id)
def test_a_published_winner_is_a_point_of_its_grid(experiment: Experiment) -> None:
    parameters = grid_space(experiment).parameters
    assert experiment.winner.keys() == parameters.keys()
    assert all(parameters[name].domain.holds(one) for name, one in experiment.winner.items())


def test_a_choice_tries_each_candidate_once_on_validation_images() -> None:
    space = choice_space(CATALOGUE["cnn_4"])
    assert space.scoring.value == "validation"
    assert [dict(point) for point in space.published] == [
        dict(one) for one in CATALOGUE["cnn_4"].candidates
    ]
    assert space.trials == len(space.published)


def test_other_tests_change_what_was_chosen_for_their_origin() -> None:
    chosen = {"dropout_rate": 0.3, "dense_dropout": 0.3, "batch_size": 128, "epochs": 7}
    settings = CATALOGUE.settings(CATALOGUE["cnn_4_batch_64"], chosen)
    assert (settings["batch_size"], settings["dropout_rate"], settings["epochs"]) == (64, 0.3, 7)
    assert settings["filters_3"] == 64
