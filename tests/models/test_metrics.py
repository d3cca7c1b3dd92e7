"""Metrics: equal to scikit-learn's own, on what a network answers, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from fmsearch.errors import FmsearchError
from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.fold_training import Training, train_and_score
from fmsearch.models.metrics import METRICS, find_metric, try_metric
from fmsearch.models.network import Evaluation, Network, Pixels
from fmsearch.models.settings import Scoring
from fmsearch.models.split import Fold, Folding, cut_folds

ROWS = np.random.default_rng(0).permutation(2400).astype(np.int32)
HELD = Fold(ROWS[:400], ROWS[400:1000])
Scorer = Callable[[np.ndarray, np.ndarray], float]
BY_SCIKIT_LEARN: dict[str, Scorer] = {
    "accuracy": lambda y, p: sk.accuracy_score(y, p.argmax(1)),
    "balanced_accuracy": lambda y, p: sk.balanced_accuracy_score(y, p.argmax(1)),
    "macro_f1": lambda y, p: sk.f1_score(y, p.argmax(1), average="macro"),
    "weighted_f1": lambda y, p: sk.f1_score(y, p.argmax(1), average="weighted"),
    "roc_auc_ovr": lambda y, p: sk.roc_auc_score(y, p, multi_class="ovr"),
    "log_loss": lambda y, p: -sk.log_loss(y, p),
    "cohen_kappa": lambda y, p: sk.cohen_kappa_score(y, p.argmax(1)),
    "top_3_accuracy": lambda y, p: sk.top_k_accuracy_score(y, p, k=3),
}


@pytest.fixture(scope="module")
def network(images: Path) -> Network:
    settings = {"hidden_units": 16, "batch_size": 64, "learning_rate": 0.01, "dropout_rate": 0.0}
    pixels = Pixels(load_training(str(images)), classes=10)
    return Network(pixels, FAMILIES["mlp"], FAMILIES["mlp"].complete(settings))


@pytest.fixture(scope="module")
def evaluation(network: Network) -> Evaluation:
    """Of a network after one epoch, on 600 images: more than one batch of the evaluation."""
    network.initialize(3, HELD.train, epochs=1)
    network.train_epoch(HELD.train, 3, 1)
    return network.evaluate(HELD.validation, with_answers=True)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_scikit_learns_to_the_last_bit(evaluation: Evaluation, name: str) -> None:
    value = METRICS[name].of(evaluation)
    assert value == BY_SCIKIT_LEARN[name](*evaluation.known_answers)
    assert METRICS[name].low <= value <= METRICS[name].high


def test_answers_change_no_number_of_an_evaluation(
    network: Network, evaluation: Evaluation, images: Path
) -> None:
    alone = network.evaluate(HELD.validation)
    labels, probabilities = evaluation.known_answers
    assert alone.loss == evaluation.loss
    np.testing.assert_array_equal(alone.confusion, evaluation.confusion)
    np.testing.assert_array_equal(alone.right, evaluation.right)
    np.testing.assert_array_equal(labels, load_training(str(images)).labels[HELD.validation])
    assert probabilities.dtype == np.float32
    assert np.mean(probabilities.argmax(axis=1) == labels) == evaluation.accuracy


def two_classes() -> Evaluation:
    labels = np.array([0, 1, 0, 1], np.int32)
    first = np.array([0.9, 0.2, 0.4, 0.6], np.float32)
    right = np.array([True, False, False, True])
    answers = labels, np.stack([first, 1 - first], 1)
    return Evaluation(0.5, np.array([[1, 1], [1, 1]]), right, answers)


@pytest.mark.parametrize("name", [name for name in METRICS if METRICS[name].fewest_classes == 2])
def test_two_classes_can_be_scored(name: str) -> None:
    labels, probabilities = two_classes().known_answers
    expected = BY_SCIKIT_LEARN[name]
    if name == "roc_auc_ovr":
        expected = lambda y, p: sk.roc_auc_score(y, p[:, 1])  # noqa: E731
    assert METRICS[name].of(two_classes()) == expected(labels, probabilities)


@pytest.mark.parametrize("name", ["log_loss", "roc_auc_ovr", "macro_f1", "cohen_kappa"])
def test_the_best_epoch_is_the_one_with_the_best_score(network: Network, name: str) -> None:
    training = Training([HELD], 5, [4], Scoring.VALIDATION, name)
    scores: list[float] = []
    outcome = train_and_score(network, training, lambda one: bool(scores.append(*one.scores)))
    (fold,) = outcome.outcomes[4].folds
    assert (fold.epoch, fold.score) == (int(np.argmax(scores)) + 1, max(scores))
    if name == "log_loss":  # the loss that Keras computes is the same one, in float32
        assert scores == pytest.approx([-(one.val_loss or 0) for one in fold.history], rel=1e-5)
    accuracy = fold.history[fold.epoch - 1].val_accuracy
    assert outcome.outcomes[4].metrics == {
        "score": max(scores),
        "best_epoch": fold.epoch,
        "accuracy": accuracy,
    }


def test_where_a_metric_fails_the_horizons_before_are_scored(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def fails_in_the_end(evaluation: Evaluation) -> object:
        calls.append(1)
        return math.nan if len(calls) == 4 else evaluation.accuracy

    monkeypatch.setitem(METRICS, "odd", type(METRICS["accuracy"])("odd", fails_in_the_end))
    folds = cut_folds(ROWS[:300], Folding(2), np.zeros(2400, np.int32))
    training = Training(folds, 5, [1, 2], Scoring.CROSS_VALIDATION, "odd")
    scored = train_and_score(network, training)
    assert scored.error == "odd: it gives nan, no finite number in epoch 2 of fold 2"
    assert list(scored.outcomes) == [1]
    assert len(scored.outcomes[1].scores) == 2


OWN = {
    "def f(labels, probabilities): raise ValueError('one')": "mine:f: ValueError: one",
    "def f(labels, probabilities): return 'high'": "mine:f: it gives 'high', not a number",
    "def f(labels, probabilities): return float('nan')": "mine:f: it gives nan, no finite number",
    "def f(labels, probabilities): return probabilities": "mine:f: it gives array(",
    "def f(labels): return 1": "mine:f: TypeError: f() takes 1 positional argument",
    "f = 3": "mine:f: TypeError: 'int' object is not callable",
    "": "mine:f: AttributeError: module 'mine' has no attribute 'f'",
}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes the module of a user's own metric."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "mine", raising=False)
    return lambda code: (tmp_path / "mine.py").write_text(code + "\n") and None


@pytest.mark.parametrize(("code", "expected"), OWN.items())
def test_a_users_own_metric_that_fails_says_why(
    mine: Callable[[str], None], code: str, expected: str
) -> None:
    mine(code)
    with pytest.raises(FmsearchError) as error:
        try_metric(find_metric("mine:f"), np.array([0, 1, 2, 2], np.int32), 3)
    assert str(error.value).startswith(expected)


def test_a_users_own_metric_takes_labels_and_probabilities(
    mine: Callable[[str], None], evaluation: Evaluation
) -> None:
    mine("def f(labels, probabilities): return (probabilities.argmax(1) == labels).mean()")
    assert find_metric("mine:f").of(evaluation) == evaluation.accuracy


@pytest.mark.parametrize(
    ("name", "classes", "scored", "expected"),
    [
        ("top_3_accuracy", 3, 3, "wants 4 classes at least, and the data have 3"),
        ("top_3_accuracy", 4, 2, ""),
        ("roc_auc_ovr", 10, 9, "wants images of all classes wherever it is computed"),
        ("roc_auc_ovr", 10, 10, ""),
        ("cohen_kappa", 2, 1, "wants images of two classes wherever it is computed"),
        ("macro_f1", 2, 1, ""),
    ],
)
def test_what_a_data_set_cannot_have_is_known_before(
    name: str, classes: int, scored: int, expected: str
) -> None:
    fault = METRICS[name].fault(classes, scored)
    assert fault.startswith(expected)
    assert bool(fault) == bool(expected)
