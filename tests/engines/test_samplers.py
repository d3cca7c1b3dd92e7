"""Samplers: made in silence, and the same for the same seed."""

from __future__ import annotations

import warnings

import optuna
import pytest

from fmsearch.search.samplers import SAMPLERS, make_sampler
from fmsearch.search.space.load import read_space

SPACE = read_space(
    "name: mine\nmodel: mlp\nengine: optuna\nscore: {by: validation}\n"
    "parameters: {layers: [1, 2]}\n",
    "mine",
)


def proposals(sampler: str, seed: int) -> list[float]:
    """Ten numbers that a sampler proposes, each told as its own score."""
    study = optuna.create_study(direction="maximize", sampler=make_sampler(sampler, SPACE, seed))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=12)
    return [trial.params["x"] for trial in study.trials]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_a_sampler_proposes_depends_on_its_seed_alone(sampler: str) -> None:
    first = proposals(sampler, 1)
    assert proposals(sampler, 1) == first
    assert proposals(sampler, 2) != first


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sampler_is_made_in_silence(sampler: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = make_sampler(sampler, SPACE, 0)
    assert isinstance(made, optuna.samplers.BaseSampler)
