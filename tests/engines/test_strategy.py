"""Strategies: which samplers and pruners go together, and what they are without being asked."""

from __future__ import annotations

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.engines.strategy import Strategy, choose_strategy
from fmsearch.search.pruners import PRUNERS
from fmsearch.search.samplers import SAMPLERS
from fmsearch.search.space.load import load_space, read_space
from fmsearch.search.space.space import Space

VALIDATION = "score: {by: validation}\n"
SEVERAL = f"{VALIDATION}objectives: {{score: maximize, parameters: minimize}}\n"


def folds(count: int) -> str:
    return f"score: {{by: cross_validation, folds: {count}}}\n"


def space_of(more: str) -> Space:
    text = f"name: mine\nmodel: mlp\nengine: optuna\n{more}parameters: {{layers: [1, 2]}}\n"
    return read_space(text, "mine")


DEFAULTS = {
    VALIDATION: Strategy("tpe", "median"),
    folds(3): Strategy("tpe", "median"),
    SEVERAL: Strategy("tpe", "none"),
    f"{VALIDATION}sampler: random\n": Strategy("random", "median"),
    f"{VALIDATION}pruner: hyperband\n": Strategy("tpe", "hyperband"),
    f"{folds(5)}sampler: nsga2\npruner: wilcoxon\n": Strategy("nsga2", "wilcoxon"),
}


@pytest.mark.parametrize(("more", "expected"), DEFAULTS.items())
def test_a_study_has_its_spaces_strategy_unless_it_is_asked_for_another(
    more: str, expected: Strategy
) -> None:
    space = space_of(more)
    assert choose_strategy(space, None, None, reproducible=False, jobs=3) == expected
    asked = choose_strategy(space, "random", "none", reproducible=False, jobs=3)
    assert asked == Strategy("random", "none")


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_reproducible_study_lags_behind_by_its_trainers(jobs: int) -> None:
    strategy = choose_strategy(space_of(VALIDATION), None, None, reproducible=True, jobs=jobs)
    assert strategy == Strategy("tpe", "median", lag=jobs)


def test_a_grid_has_no_strategy() -> None:
    grid = load_space("mlp_grid")
    assert choose_strategy(grid, None, None, reproducible=False, jobs=3) == Strategy()


GRID_FAULT = (
    "the space 'mlp_grid' is a grid, which tries every point in one order: it has no --sampler, "
    "no --pruner and nothing to make --reproducible"
)


@pytest.mark.parametrize(
    ("sampler", "pruner", "reproducible"),
    [("tpe", None, False), (None, "none", False), (None, None, True)],
)
def test_a_grid_refuses_every_part_of_a_strategy(
    sampler: str | None, pruner: str | None, reproducible: bool
) -> None:
    with pytest.raises(FmsearchError) as caught:
        choose_strategy(load_space("mlp_grid"), sampler, pruner, reproducible=reproducible, jobs=1)
    assert str(caught.value) == GRID_FAULT


NO_PRUNER = "a study of several objectives has none; use --pruner none"
RUNNING = "looks at running trials; use --pruner median or none"
REFUSED = [
    *[
        (SEVERAL, "tpe", one, False, f"--pruner {one}: {NO_PRUNER}")
        for one in PRUNERS
        if one != "none"
    ],
    (
        *(VALIDATION, "tpe", "wilcoxon", False),
        "--pruner wilcoxon compares folds, and this space scores by validation; use median",
    ),
    *[
        (
            *(folds(count), "random", "wilcoxon", False),
            f"--pruner wilcoxon cannot decide on {count} folds, only from 5 on; use median",
        )
        for count in (2, 3, 4)
    ],
    (
        *(VALIDATION, "nsga2", "none", True),
        "--reproducible: nsga2 proposes generations, which need all trials; use tpe or random",
    ),
    (VALIDATION, "tpe", "asha", True, f"--reproducible: asha {RUNNING}"),
    (VALIDATION, "random", "hyperband", True, f"--reproducible: hyperband {RUNNING}"),
    (folds(5), "tpe", "wilcoxon", True, f"--reproducible: wilcoxon {RUNNING}"),
]


@pytest.mark.parametrize(("more", "sampler", "pruner", "reproducible", "line"), REFUSED)
def test_parts_that_do_not_go_together_are_refused_with_what_to_use(
    more: str, sampler: str, pruner: str, reproducible: bool, line: str
) -> None:
    with pytest.raises(FmsearchError) as caught:
        choose_strategy(space_of(more), sampler, pruner, reproducible=reproducible, jobs=2)
    assert str(caught.value) == line


def test_a_spaces_own_pruner_is_refused_like_one_that_is_asked_for() -> None:
    space = space_of(f"{folds(4)}pruner: wilcoxon\n")
    with pytest.raises(FmsearchError, match="wilcoxon cannot decide on 4 folds"):
        choose_strategy(space, None, None, reproducible=False, jobs=1)


ACCEPTED = [
    *[(VALIDATION, "tpe", pruner, False) for pruner in ("median", "asha", "hyperband", "none")],
    *[(folds(3), "nsga2", one, False) for one in ("median", "asha", "hyperband", "none")],
    *[(folds(5), sampler, "wilcoxon", False) for sampler in SAMPLERS],
    *[(SEVERAL, sampler, "none", False) for sampler in SAMPLERS],
    *[(VALIDATION, sampler, "median", True) for sampler in ("tpe", "random")],
    (folds(3), "tpe", "median", True),
    (SEVERAL, "tpe", "none", True),
]


@pytest.mark.parametrize(("more", "sampler", "pruner", "reproducible"), ACCEPTED)
def test_parts_that_go_together_are_taken_as_they_are_asked_for(
    more: str, sampler: str, pruner: str, reproducible: bool
) -> None:
    chosen = choose_strategy(space_of(more), sampler, pruner, reproducible=reproducible, jobs=2)
    assert chosen == Strategy(sampler, pruner, 2 if reproducible else 0)


EPOCHS = [
    (VALIDATION, 20),
    (f"{VALIDATION}fixed: {{epochs: 7}}\n", 7),
    (f"{folds(4)}fixed: {{epochs: 7}}\n", 4),
]


@pytest.mark.parametrize(("more", "steps"), EPOCHS)
def test_a_trial_has_as_many_steps_as_it_has_epochs_or_folds(more: str, steps: int) -> None:
    assert space_of(more).steps == steps


@pytest.mark.parametrize("epochs", ["[3, 9, 6]", "{int: [3, 9]}"])
def test_a_trial_whose_epochs_are_searched_has_at_most_so_many_steps(epochs: str) -> None:
    text = f"name: mine\nmodel: mlp\nengine: optuna\n{VALIDATION}parameters: {{epochs: {epochs}}}\n"
    assert read_space(text, "mine").steps == 9
