"""Faulty spaces: each fault is named, all of them at once."""

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.space.load import read_space

from .texts import EVERYTHING, GOOD, OPTUNA, changed

FAULTS = {
    "name: a b\n": "name: 'a b' must be 1 to 64 letters",
    "name: 3\n": "name: 3 is not text",
    "name: ''\n": "name: '' must be 1 to 64 letters",
    "model: svm\n": "model: 'svm' is unknown; it is one of mlp, cnn, resnet, your.module:function",
    "model: mine.nets\n": "model: 'mine.nets' is unknown; it is one of mlp, cnn, resnet",
    "model: my nets:build\n": "model: 'my nets:build' is unknown",
    "model: 3\n": "model: 3 is unknown",
    "engine: grid\n": "engine: 'grid' is unknown; it is one of keras_tuner, optuna",
    "engine: [keras_tuner]\n": "engine: ['keras_tuner'] is unknown",
    "score: {by: luck, folds: 3}\n": "score.by: 'luck' is not one of cross_validation, validation",
    "score: {}\n": "score.by: None is not one of cross_validation, validation",
    "score: {by: [validation]}\n": "score.by: ['validation'] is not one of",
    "score: {by: validation, folds: 3}\n": "score.folds: belongs to cross_validation",
    "score: {by: cross_validation}\n": "score.folds: None is not a whole number of at least 2",
    "score: {by: cross_validation, folds: true}\n": "score.folds: True is not a whole number of at",
    "score: {by: cross_validation, folds: 1}\n": "score.folds: 1 is not a whole number of at least",
    "score: {by: cross_validation, folds: 3, fold: 2}\n": "score.fold: unknown key; did you mean",
    "score: 3\n": "score: 3 is not a mapping",
    "parameters: {}\n": "parameters: none are given",
    "parameters: {batch_size: []}\n": "parameters.batch_size: [] is not a list of choices",
    "parameters: {batch_size: {int: [1, 9]}}\n": "batch_size: {'int': [1, 9]} is not a list of",
    "parameters: {batch_size: {choices: [1]}}\n": "{'choices': [1]} is not a list of choices",
    "parameters: {batch_size: 64}\n": "parameters.batch_size: 64 is not a list of choices",
    "parameters: {batch_size: [0, -1]}\n": "batch_size: -1 is not a whole number from 1 to ",
    "parameters: {batch_size: [64, 64]}\n": "parameters.batch_size: 64 stands twice",
    "parameters: {batch_size: [0]}\n": "batch_size: 0 is not a whole number from 1 to ",
    "parameters: {batch_size: [-8]}\n": "batch_size: -8 is not a whole number from 1 to ",
    "parameters: {batch_size: [6.5]}\n": "batch_size: 6.5 is not a whole number from 1 to ",
    "parameters: {batch_size: [true]}\n": "batch_size: True is not a whole number from 1 to ",
    "parameters: {dropout_rate: [1.0]}\n": "dropout_rate: 1.0 is not a number in [0, 1)",
    "parameters: {dropout_rate: [-0.1]}\n": "dropout_rate: -0.1 is not a number in [0, 1)",
    "parameters: {dropout_rate: [.nan]}\n": ".nan is no finite number",
    "parameters: {dropout_rate: [much]}\n": "dropout_rate: 'much' is not a number in [0, 1)",
    "parameters: {optimizer: [adma]}\n": "optimizer: 'adma' is not one of adam, adamw, rmsprop",
    "parameters: {optimizer: [[adam]]}\n": "optimizer: ['adam'] is not one of adam",
    "parameters: {layers: [5]}\n": "layers: 5 is not a whole number from 1 to 4",
    "parameters: {batchsize: [64]}\n": "parameters.batchsize: unknown key; did you mean batch_size",
    "fixed: {epochs: none}\n": "fixed.epochs: 'none' is not a whole number from 1 to ",
    "fixed: {batch_size: 64}\n": "fixed.batch_size: is also in parameters",
    "parametres: {}\n": "parametres: unknown key; did you mean parameters?",
    "fixed: {flip: 1}\n": "fixed.flip: 1 is not true or false",
    "fixed: {shift: 65}\n": "fixed.shift: 65 is not a whole number from 0 to 64",
    "fixed: {schedule: linear}\n": "fixed.schedule: 'linear' is not one of constant, cosine",
    "fixed: {learning_rate: fast}\n": "fixed.learning_rate: 'fast' is not a number in [0, 100)",
    "fixed: {learning_rate: inf}\n": "inf is no finite number",
    "fixed: {momentum: 1}\n": "fixed.momentum: 1.0 is not a number in [0, 1)",
    "fixed: {label_smoothing: 1}\n": "fixed.label_smoothing: 1.0 is not a number in [0, 1)",
    "fixed: {weight_decay: -1e-4}\n": "fixed.weight_decay: -0.0001 is not a number in [0, 1)",
    "fixed: {schedule: cosine}\n": "schedule: cosine runs over `epochs`; say how many",
    "fixed: {epochs: 3, warmup_epochs: 3}\n": "warmup_epochs: 3 must be less than epochs, which",
    "sampler: tpe\n": "sampler: a grid has none; it belongs to engine: optuna",
    "pruner: none\n": "pruner: a grid has none; it belongs to engine: optuna",
    "trials: 9\n": "trials: a grid has none; it belongs to engine: optuna",
    "objectives: {score: maximize}\n": "objectives: a grid has none; it belongs to engine: optuna",
    "constraints: {parameters: {at_most: 9}}\n": "constraints: a grid has none; it belongs to",
    "published: [{batch_size: 64}]\n": "published: a grid has none; it belongs to engine: optuna",
    "1: 2\n": "1: unknown key",
}
OPTUNA_FAULTS = {
    "sampler: luck\n": "sampler: 'luck' is unknown; it is one of tpe, random, nsga2",
    "sampler: [tpe]\n": "sampler: ['tpe'] is unknown",
    "pruner: luck\n": "pruner: 'luck' is unknown; it is one of median, asha, hyperb",
    "trials: 0\n": "trials: 0 is not a whole number of at least 1",
    "patience: 0\n": "patience: 0 is not a whole number of at least 1",
    "patience: null\n": "patience: None is not a whole number of at least 1",
    "trials: 2.5\n": "trials: 2.5 is not a whole number of at least 1",
    "trials: true\n": "trials: True is not a whole number of at least 1",
    "objectives: 3\n": "objectives: 3 is not a mapping",
    "objectives: {loss: minimize}\n": "objectives.loss: unknown key; known keys: score, parameters",
    "objectives: {paramters: minimize}\n": "objectives.paramters: unknown key; did you mean param",
    "objectives: {parameters: minimize}\n": "objectives: `score: maximize` is always one",
    "objectives: {score: minimize}\n": "objectives: `score: maximize` is always one",
    "objectives: {score: maximize, parameters: few}\n": "objectives.parameters: 'few' is not max",
    "objectives: {score: [maximize]}\n": "score: ['maximize'] is not maximize or minimize",
    "constraints: 3\n": "constraints: 3 is not a mapping",
    "constraints: {seconds: {at_most: 9}}\n": "constraints.seconds: unknown key; known keys: param",
    "constraints: {parameters: 9}\n": "constraints.parameters: 9 is not like {at_most: 120000}",
    "constraints: {parameters: {at_most: 0}}\n": "{'at_most': 0} is not like {at_most: 120000}",
    "constraints: {parameters: {at_most: 9.5}}\n": "{'at_most': 9.5} is not like {at_most",
    "constraints: {parameters: {at_most: true}}\n": "{'at_most': True} is not like {at_most",
    "constraints: {parameters: {at_least: 9}}\n": "{'at_least': 9} is not like {at_most: 120000}",
    "constraints: {parameters: {at_most: 9, at: 9}}\n": "'at': 9} is not like {at_most: 120000}",
    "fixed: {warmup_epochs: 5}\nparameters: {epochs: [9, 4, 6]}\n": (
        "warmup_epochs: 5 must be less than epochs, which may be 4"
    ),
    "fixed: {epochs: 5}\nparameters: {warmup_epochs: [5, 2]}\n": (
        "warmup_epochs: 5 must be less than epochs, which may be 5"
    ),
    "fixed: {warmup_epochs: 20}\n": "warmup_epochs: 20 must be less than epochs, which may be 20",
    "parameters: {warmup_epochs: {int: [0, 50]}}\n": "50 must be less than epochs, which may be 20",
    "fixed: {warmup_epochs: 25}\nparameters: {flip: [true], epochs: {int: [30, 40], "
    "when: {flip: true}}}\n": ("warmup_epochs: 25 must be less than epochs, which may be 20"),
    "published: {layers: 1}\n": "published: is not a list of points, each like {depth: 3, …}",
    "published: [3]\n": "published: is not a list of points, each like {depth: 3, …}",
    "published: [{layers: 1}]\n": "published, point 1: dropout_rate is missing",
    "published: [{}, {layers: 1, dropout_rate: 0.5}]\n": "published, point 1: layers is missing",
    "published: [{layers: 4, dropout_rate: 0.5}]\n": (
        "published, point 1: layers: 4 is not a whole number from 1 to 3"
    ),
    "published: [{layers: 1, dropout_rate: 0.5}, {layers: 1, dropout_rate: 0.6}]\n": (
        "published, point 2: dropout_rate: 0.6 is not a number from 0 to 0.5"
    ),
    "published: [{layers: [1], dropout_rate: 0.5}]\n": "point 1: layers: [1] is not a whole number",
    "published: [{layers: 1, dropout_rate: 0.5, epochs: 9}]\n": (
        "published, point 1: epochs is no parameter of this space"
    ),
    "published: [{layers: 1, dropout_rate: 0.5, 3: 9}]\n": (
        "published, point 1: 3 is no parameter of this space"
    ),
    "model: mine:build\nfixed: {batch_size: 0}\n": "batch_size: 0 is not a whole number from 1 to",
    "model: mine:build\nfixed: {a b: 0}\n": "fixed.a b: unknown key",
    "model: mine:build\nfixed: {width: [1]}\n": "width: [1] is not a number, a word, true or false",
    "model: mine:build\nparameters: {width: {int: [1, 2.5]}}\n": "[1, 2.5] are not two whole",
    "model: mine:build\nparameters: {width: [2020-01-01]}\n": "2020-01-01 is read as a date",
}
PARAMETER_FAULTS = {
    "layers: 3": "parameters.layers: 3 is not a list of choices, like [64, 128]",
    "layers: {}": "parameters.layers: needs one of choices: […], int: [low, high], fl",
    "layers: {low: 1, high: 3}": "parameters.layers.low: unknown key",
    "layers: {int: [1, 3], choices: [1]}": "parameters.layers: needs one of choices",
    "layers: {int: [1, 3], wen: {}}": "parameters.layers.wen: unknown key; did you mean when?",
    "layers: {choices: 3}": "parameters.layers: 3 is not a list of choices",
    "layers: {choices: [5]}": "parameters.layers: 5 is not a whole number from 1 to 4",
    "layers: {choices: [1, 1]}": "parameters.layers: 1 stands twice",
    "layers: {int: 3}": "parameters.layers: 3 are not two numbers, [low, high]",
    "layers: {int: [1, 2, 3]}": "[1, 2, 3] are not two numbers, [low, high]",
    "layers: {int: [3, 1]}": "`low <= high` must hold, but got 3 and 1",
    "layers: {int: [one, 3]}": "`low <= high` must hold, but got 'one' and 3",
    "layers: {int: [1, 3.5]}": "int: [1, 3.5] are not two whole numbers, like [1, 4]",
    "layers: {int: [true, 3]}": "`low <= high` must hold, but got True and 3",
    "layers: {int: [0, 3]}": "parameters.layers: 0 is not a whole number from 1 to 4",
    "layers: {int: [1, 5]}": "parameters.layers: 5 is not a whole number from 1 to 4",
    "layers: {float: [1, 3]}": "float: does not fit; it is a whole number from 1 to 4",
    "optimizer: {int: [1, 3]}": "parameters.optimizer: int: does not fit; it is one of",
    "flip: {int: [0, 1]}": "parameters.flip: int: does not fit; it is true or false",
    "momentum: {int: [0, 0]}": "int: does not fit; it is a number in [0, 1)",
    "layers: {int: [1, 3], step: 0}": "parameters.layers.step: 0 is not a whole number",
    "layers: {int: [1, 3], step: 1.5}": "layers.step: 1.5 is not a whole number of at",
    "layers: {int: [1, 3], step: 2, log: true}": "layers.log: wants steps of 1 and num",
    "shift: {int: [0, 3], log: true}": "parameters.shift.log: wants steps of 1 and num",
    "layers: {int: [1, 3], log: 1}": "parameters.layers.log: 1 is not true or false",
    "momentum: {float: [0.9, 0.5]}": "`low <= high` must hold, but got 0.9 and 0.5",
    "momentum: {float: [0.9]}": "[0.9] are not two numbers, [low, high]",
    "momentum: {float: [0, .nan]}": ".nan is no finite number",
    "momentum: {float: [0, .inf]}": ".inf is no finite number",
    "momentum: {float: [0, 1]}": "parameters.momentum: 1 is not a number in [0, 1)",
    "momentum: {float: [0, 0.9], log: true}": "log: wants numbers above 0, but begins at 0",
    "momentum: {float: [0, 0.9], log: yep}": "log: 'yep' is not true or false",
    "momentum: {float: [0, 0.9], step: 0.1}": "parameters.momentum.step: belongs to int",
    "layers: {choices: [1, 2], step: 2}": "parameters.layers.step: does not go with choices",
    "layers: {choices: [1, 2], log: true}": "parameters.layers.log: does not go with choices",
    "layers: {int: [1, 3], when: 3}": "layers.when: 3 is not a mapping like {depth: [3,",
    "layers: {int: [1, 3], when: {flip: true}}": (
        "parameters.layers.when.flip: is no parameter that stands before it; there: none"
    ),
    "flip: [true], layers: {int: [1, 3], when: {size: 3}}": (
        "parameters.layers.when.size: is no parameter that stands before it; there: flip"
    ),
    "layers: {int: [1, 3], when: {flip: true}}, flip: [true, false]": (
        "parameters.layers.when.flip: is no parameter that stands before it; there: none"
    ),
    "layers: {int: [1, 3], when: {layers: 3}}": (
        "parameters.layers.when.layers: is no parameter that stands before it"
    ),
    "layers: [1, 2], shift: {int: [1, 3], when: {layers: 3}}": (
        "parameters.shift.when.layers: 3 is not one of 1, 2"
    ),
    "layers: {int: [1, 3]}, shift: {int: [1, 3], when: {layers: [3, 4]}}": (
        "parameters.shift.when.layers: 4 is not a whole number from 1 to 3"
    ),
    "layers: {int: [1, 4], step: 2}, shift: {int: [1, 3], when: {layers: 2}}": (
        "parameters.shift.when.layers: 2 is not a whole number from 1 to 3 in steps of 2"
    ),
    "layers: [1, 2], shift: {int: [1, 3], when: {layers: []}}": (
        "parameters.shift.when.layers: [] is not one of 1, 2"
    ),
    "flip: [true, false], shift: {int: [1, 3], when: {flip: 1}}": (
        "parameters.shift.when.flip: 1 is not one of True, False"
    ),
    "momentum: {float: [0, 0.9]}, shift: {int: [1, 3], when: {momentum: 0.5}}": (
        "parameters.shift.when.momentum: a number that varies freely is no condition"
    ),
    "schedule: [constant, cosine]": "schedule: cosine runs over `epochs`; say how many",
    "warmup_epochs: {int: [0, 3]}, epochs: {int: [3, 9]}": (
        "warmup_epochs: 3 must be less than epochs, which may be 3"
    ),
}


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [(GOOD, *fault) for fault in FAULTS.items()]
    + [(OPTUNA, *fault) for fault in OPTUNA_FAULTS.items()]
    + [(OPTUNA, f"parameters: {{{one}}}\n", what) for one, what in PARAMETER_FAULTS.items()],
)
def test_a_fault_is_named_with_its_key_value_and_rule(
    text: str, change: str, expected: str
) -> None:
    with pytest.raises(FmsearchError) as caught:
        read_space(changed(text, change), "mine.yaml")
    assert str(caught.value).startswith("mine.yaml: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize("key", ["parameters", "fixed", "objectives", "constraints", "score"])
def test_a_fault_is_told_once(key: str) -> None:
    with pytest.raises(FmsearchError) as caught:
        read_space(changed(OPTUNA, f"{key}: 3\n"), "mine.yaml")
    assert str(caught.value).count(f"{key}: 3 is not a mapping") == 1


@pytest.mark.parametrize("ends", ["3", "[a, 1]", "[2, 1]"])
def test_ends_that_are_no_numbers_are_not_also_said_to_be_too_low(ends: str) -> None:
    change = f"parameters: {{learning_rate: {{float: {ends}, log: true}}}}\n"
    with pytest.raises(FmsearchError) as caught:
        read_space(changed(OPTUNA, change), "mine.yaml")
    assert "above 0" not in str(caught.value)


def test_a_published_value_that_does_not_apply_is_a_fault() -> None:
    text = EVERYTHING.replace("- {depth: 2,", "- {depth: 2, filters_3: 64,")
    with pytest.raises(FmsearchError, match="published, point 1: filters_3 "):
        read_space(text, "everything.yaml")


def test_all_faults_of_a_file_are_reported_at_once() -> None:
    faulty = (
        "name: a b\nmodel: svm\nscore: {by: cross_validation}\nparameters: {a: [1]}\ntrials: 0\n"
    )
    with pytest.raises(FmsearchError) as caught:
        read_space(faulty, "mine.yaml")
    for fault in ("name: 'a b'", "model: 'svm'", "engine: is missing", "score.folds: None"):
        assert fault in str(caught.value)
    with pytest.raises(FmsearchError) as caught:
        read_space(faulty.replace("trials", "engine: optuna\ntrials"), "mine.yaml")
    for fault in ("name: 'a b'", "model: 'svm'", "score.folds: None", "trials: 0"):
        assert fault in str(caught.value)


def test_parameters_of_an_unknown_model_are_not_said_to_be_unknown() -> None:
    with pytest.raises(FmsearchError) as caught:
        read_space(changed(OPTUNA, "model: svm\n"), "mine.yaml")
    assert "layers" not in str(caught.value)


def test_a_grid_too_large_to_be_meant_is_refused() -> None:
    sizes = (
        f"parameters: {{batch_size: {list(range(1, 500))}, hidden_units: {list(range(1, 500))}}}"
    )
    with pytest.raises(FmsearchError, match="249,001 points"):
        read_space(GOOD.replace("parameters: {batch_size: [64, 128]}", sizes), "mine.yaml")
