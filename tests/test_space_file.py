"""Space files: what a space may say, and what is said of a faulty one."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fmsearch.errors import FmsearchError
from fmsearch.search.space_file import KEYS, load_space, read_space, space_names

GOOD = """\
name: mine
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
parameters: {batch_size: [64, 128]}
"""


def test_the_published_grid_has_32_points_over_3_folds() -> None:
    space = load_space("mlp_grid")
    assert (space.size, space.folds) == (32, 3)
    assert dict(space.parameters) == {
        "batch_size": (64, 128),
        "dropout_rate": (0.2, 0.3),
        "epochs": (10, 20),
        "hidden_units": (64, 128),
        "optimizer": ("adam", "rmsprop"),
    }


def test_the_second_published_grid_has_12_points_of_a_network_with_one_layer() -> None:
    space = load_space("mlp_grid_2")
    assert space.size == 12
    settings = space.settings({"batch_size": 128, "epochs": 20, "optimizer": "adam"})
    assert (settings["layers"], settings["hidden_units"], settings["dropout_rate"]) == (1, 128, 0)


@pytest.mark.parametrize("name", space_names())
def test_a_built_in_space_carries_the_name_of_its_file(name: str) -> None:
    assert load_space(name).name == name


def test_settings_fill_in_what_a_point_does_not_say() -> None:
    settings = read_space(GOOD, "mine").settings({"batch_size": 64})
    assert settings == {
        "batch_size": 64,
        "epochs": 20,
        "optimizer": "adam",
        "hidden_units": 128,
        "layers": 2,
        "dropout_rate": 0.0,
    }


def test_a_number_that_yaml_reads_as_text_is_a_number() -> None:
    text = GOOD.replace("batch_size: [64, 128]", "dropout_rate: [1e-1, 0, 0.5]")
    assert read_space(text, "mine").parameters["dropout_rate"] == (0.1, 0.0, 0.5)


def test_the_example_space_is_one_that_can_be_run() -> None:
    space = load_space(str(Path(__file__).parent.parent / "examples" / "wide_and_narrow.yaml"))
    assert (space.size, space.folds) == (18, 5)


FAULTS = {
    "name: a b\n": "name: 'a b' must be 1 to 64 letters",
    "name: 3\n": "name: 3 is not text",
    "model: svm\n": "model: 'svm' is unknown; it is one of mlp",
    "engine: grid\n": "engine: 'grid' is unknown; it is one of keras_tuner",
    "engine: [keras_tuner]\n": "engine: ['keras_tuner'] is unknown",
    "score: {by: luck, folds: 3}\n": "score.by: 'luck' is not cross_validation",
    "score: {by: cross_validation, folds: 1}\n": "score.folds: 1 is not a whole number of at least",
    "score: {by: cross_validation, folds: 3, fold: 2}\n": "score.fold: unknown key; did you mean",
    "score: 3\n": "score: 3 is not a mapping",
    "parameters: {}\n": "parameters: none are given",
    "parameters: {batch_size: []}\n": "parameters.batch_size: [] is not a list of choices",
    "parameters: {batch_size: 64}\n": "parameters.batch_size: 64 is not a list of choices",
    "parameters: {batch_size: [0, -1]}\n": "batch_size: -1 is not a whole number from 1 to ",
    "parameters: {batch_size: [64, 64]}\n": "parameters.batch_size: 64 stands twice",
    "parameters: {batch_size: [0]}\n": "batch_size: 0 is not a whole number from 1 to ",
    "parameters: {batch_size: [-8]}\n": "batch_size: -8 is not a whole number from 1 to ",
    "parameters: {batch_size: [6.5]}\n": "batch_size: 6.5 is not a whole number from 1 to ",
    "parameters: {batch_size: [true]}\n": "batch_size: True is not a whole number from 1 to ",
    "parameters: {dropout_rate: [1.0]}\n": "dropout_rate: 1.0 is not a number in [0, 1)",
    "parameters: {dropout_rate: [-0.1]}\n": "dropout_rate: -0.1 is not a number in [0, 1)",
    "parameters: {dropout_rate: [.nan]}\n": "dropout_rate: nan is not a number in [0, 1)",
    "parameters: {dropout_rate: [much]}\n": "dropout_rate: 'much' is not a number in [0, 1)",
    "parameters: {optimizer: [adma]}\n": "optimizer: 'adma' is not one of adam, rmsprop, sgd",
    "parameters: {optimizer: [[adam]]}\n": "optimizer: ['adam'] is not one of adam",
    "parameters: {layers: [5]}\n": "layers: 5 is not a whole number from 1 to 4",
    "parameters: {batchsize: [64]}\n": "parameters.batchsize: unknown key; did you mean batch_size",
    "fixed: {epochs: none}\n": "fixed.epochs: 'none' is not a whole number from 1 to ",
    "fixed: {batch_size: 64}\n": "fixed.batch_size: is also in parameters",
    "parametres: {}\n": "parametres: unknown key; did you mean parameters?",
    "1: 2\n": "1: unknown key",
}


@pytest.mark.parametrize(("change", "expected"), FAULTS.items())
def test_a_fault_is_named_with_its_key_value_and_rule(change: str, expected: str) -> None:
    key = change.split(":")[0]
    kept = [line for line in GOOD.splitlines(keepends=True) if not line.startswith(f"{key}:")]
    with pytest.raises(FmsearchError) as caught:
        read_space("".join(kept) + change, "mine.yaml")
    assert str(caught.value).startswith("mine.yaml: ")
    assert expected in str(caught.value)


def test_all_faults_of_a_file_are_reported_at_once() -> None:
    with pytest.raises(FmsearchError) as caught:
        read_space("name: mine\nmodel: svm\nparameters: {a: [1]}\n", "mine.yaml")
    for fault in ("model: 'svm'", "engine: is missing", "score.by", "score.folds"):
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "{", "a: b: c", "\0", "- &a [*a]", "!!python/name:os.system"]
)
def test_what_is_no_yaml_mapping_is_refused(text: str) -> None:
    with pytest.raises(FmsearchError):
        read_space(text, "mine.yaml")


def test_a_grid_too_large_to_be_meant_is_refused() -> None:
    sizes = (
        f"parameters: {{batch_size: {list(range(1, 500))}, hidden_units: {list(range(1, 500))}}}"
    )
    with pytest.raises(FmsearchError, match="249,001 points"):
        read_space(GOOD.replace("parameters: {batch_size: [64, 128]}", sizes), "mine.yaml")


def test_an_unknown_space_is_refused_with_a_guess() -> None:
    with pytest.raises(FmsearchError, match="did you mean mlp_grid"):
        load_space("mlp_gird")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys((*KEYS, "unknown", "score", "fixed"), VALUES)
)


@given(st.text() | DOCUMENTS.map(yaml.safe_dump))
def test_any_text_gives_a_space_or_a_message(text: str) -> None:
    try:
        assert read_space(text, "mine.yaml").name
    except FmsearchError as error:
        assert str(error).startswith("mine.yaml")  # noqa: PT017  # no error is fine, too
