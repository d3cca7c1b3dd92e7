"""Names that the parameters of a user's own model cannot have, and those that they can."""

from __future__ import annotations

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.retrain.recorded_training import read_settings
from fmsearch.search.runs.schema import KINDS
from fmsearch.search.runs.values import training_params
from fmsearch.search.space.load import read_space
from fmsearch.search.space.reserved import RESERVED

OWN = """\
name: own
model: mine:build
engine: optuna
score: {by: validation}
parameters: {%s: [7, 8]}
"""
FIXED = OWN.replace("parameters: {%s: [7, 8]}", "fixed: {%s: 7}\nparameters: {other: [7, 8]}")


@pytest.mark.parametrize("text", [OWN, FIXED])
@pytest.mark.parametrize("name", RESERVED)
def test_a_reserved_name_is_refused(name: str, text: str) -> None:
    with pytest.raises(FmsearchError, match=f"{name}: .*; choose another one, like {name}_of_mo"):
        read_space(text % name, "mine")


@pytest.mark.parametrize("name", RESERVED)
def test_a_study_on_record_keeps_its_names(name: str) -> None:
    assert list(read_space(OWN % name, "mine", recorded=True).parameters) == [name]


def test_a_name_that_mlflow_would_not_take_is_refused() -> None:
    assert read_space(OWN % ("x" * 250), "mine").parameters
    with pytest.raises(FmsearchError, match="a name has at most 250 characters in MLflow"):
        read_space(OWN % ("x" * 251), "mine")


OTHERS = (
    *("score", "parameters", "trial", "reason", "state", "number", "fit_seconds", "study", "name"),
    *(
        "model",
        "metrics",
        "history",
        "settings",
        "train_loss",
        "best_epoch",
        "self",
        "shape",
        "classes",
    ),
)


@pytest.mark.parametrize("name", OTHERS)
def test_a_run_keeps_the_value_of_a_parameter_of_any_other_name(name: str) -> None:
    space = read_space(OWN % name, "mine")
    params = training_params(space.settings({name: 8}), seed=123)
    assert params[name] == "8"
    assert params["seed"] == "123"
    assert read_settings(space, params)[name] == 8


def test_the_params_that_runs_have_of_their_own_are_reserved() -> None:
    ours = {name for kind in KINDS.values() for name in kind.params if not name.startswith("<")}
    assert ours <= RESERVED.keys()
