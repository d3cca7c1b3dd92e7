"""Trainings over folds: horizons, the best epoch, pruned and diverging trainings."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.fold_training import Report, Stop, Training, train_and_score
from fmsearch.models.network import Network, Pixels, Variables
from fmsearch.models.score import Outcome
from fmsearch.models.settings import Scoring, Value
from fmsearch.models.split import Fold, Folding, cut_folds
from fmsearch.models.training import Epoch

ROWS = np.random.default_rng(0).permutation(2400).astype(np.int32)
FOLDS = cut_folds(np.arange(300, dtype=np.int32), Folding(3), np.zeros(300, np.int32))
HELD = Fold(ROWS[:500], ROWS[500:800])
BOTH = list(Scoring)


@pytest.fixture(scope="module")
def pixels(images: Path) -> Pixels:
    return Pixels(load_training(str(images)), classes=10)


@pytest.fixture(scope="module")
def network(pixels: Pixels) -> Network:
    """One for all tests: each training overwrites it."""
    return make_network(pixels)


def make_network(pixels: Pixels, **settings: Value) -> Network:
    small = {"hidden_units": 16, "dropout_rate": 0.2, "batch_size": 64, "learning_rate": 0.01}
    return Network(pixels, FAMILIES["mlp"], FAMILIES["mlp"].complete({**small, **settings}))


def plan(scoring: Scoring, *horizons: int) -> Training:
    folds = FOLDS if scoring is Scoring.CROSS_VALIDATION else [HELD]
    return Training(folds, 5, horizons, scoring)


def numbers(history: Sequence[Epoch]) -> list[tuple[object, ...]]:
    """What an epoch measured, without when."""
    return [(e.epoch, e.train_loss, e.train_accuracy, e.val_loss, e.val_accuracy) for e in history]


def assert_same_weights(one: Variables, other: Variables) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def assert_same(one: Outcome, other: Outcome) -> None:
    """Equal to the last bit, but for times."""
    assert one.scores == other.scores
    for left, right in zip(one.folds, other.folds, strict=True):
        assert (left.epoch, numbers(left.history)) == (right.epoch, numbers(right.history))
        np.testing.assert_array_equal(left.confusion, right.confusion)
        np.testing.assert_array_equal(left.right, right.right)
        assert_same_weights(left.weights, right.weights)


def prune(bad: bool) -> Stop | None:
    return Stop.PRUNE if bad else None


def spoil(
    network: Network, value: float, fold: int, epoch: int
) -> tuple[Callable[[Report], None], list[Report]]:
    """A report that sets all biases of the outputs after an epoch, and what it was told."""
    reports: list[Report] = []

    def report(one: Report) -> None:
        reports.append(one)
        if (one.fold, one.epoch.epoch) == (fold, epoch):
            network.model.trainable_variables[-1].assign([value] + [0.0] * 9)

    return report, reports


@pytest.mark.parametrize("scoring", BOTH)
def test_a_horizon_of_a_longer_training_equals_a_training_of_that_length(
    pixels: Pixels, network: Network, scoring: Scoring
) -> None:
    both, other = train_and_score(network, plan(scoring, 2, 4)), make_network(pixels)
    assert (both.error, both.pruned, sorted(both.outcomes)) == ("", None, [2, 4])
    for horizon in (2, 4):
        alone = train_and_score(other, plan(scoring, horizon))
        assert list(alone.outcomes) == [horizon]
        assert_same(both.outcomes[horizon], alone.outcomes[horizon])


def test_every_epoch_is_reported_and_folds_are_scored_when_they_are_done(network: Network) -> None:
    reports: list[Report] = []
    scored = train_and_score(
        network, plan(Scoring.CROSS_VALIDATION, 1, 2), lambda one: reports.append(one)
    )
    scores = scored.outcomes[2].scores
    assert [(one.fold, one.epoch.epoch, one.scores) for one in reports] == [
        *((1, 1, ()), (1, 2, scores[:1])),
        *((2, 1, ()), (2, 2, scores[:2])),
        *((3, 1, ()), (3, 2, scores)),
    ]
    assert scores == tuple(one.epoch.val_accuracy for one in reports[1::2])


def test_cross_validation_keeps_the_last_epoch_even_if_it_is_worse(network: Network) -> None:
    report, reports = spoil(network, 1e4, fold=1, epoch=2)  # from here on all are of class 0
    outcome = train_and_score(network, plan(Scoring.CROSS_VALIDATION, 3), report).outcomes[3]
    assert [fold.epoch for fold in outcome.folds] == [3, 3, 3]
    assert outcome.scores[0] == reports[2].epoch.val_accuracy < 0.2
    assert outcome.score == np.mean(outcome.scores)
    assert outcome.score_std == pytest.approx(np.std(outcome.scores))  # the last bit may differ
    assert outcome.confusion.sum() == 300
    assert outcome.median_fold.score == sorted(outcome.scores)[1]


def test_validation_keeps_the_best_epoch_whose_weights_have_its_score(
    network: Network, images: Path
) -> None:
    report, reports = spoil(network, 1e4, fold=1, epoch=3)  # from here on all are of class 0
    outcome = train_and_score(network, plan(Scoring.VALIDATION, 5), report).outcomes[5]
    (fold,), scores = outcome.folds, [one.scores[0] for one in reports]
    assert scores == [one.epoch.val_accuracy for one in reports]
    assert max(scores[3:]) < 0.2 < max(scores)
    assert (fold.epoch, fold.score) == (np.argmax(scores) + 1, max(scores))
    assert outcome.metrics == {"score": max(scores), "best_epoch": fold.epoch}
    assert fold.score_seconds == fold.history[fold.epoch - 1].score_seconds
    network.model.set_weights(fold.weights)
    np.testing.assert_array_equal(network.evaluate(HELD.validation).confusion, fold.confusion)
    labels = load_training(str(images)).labels[HELD.validation]
    np.testing.assert_array_equal(network.predict(HELD.validation) == labels, fold.right)


def test_of_equally_good_epochs_validation_keeps_the_first(pixels: Pixels) -> None:
    still = make_network(pixels, optimizer="sgd", learning_rate=0.0)
    outcome = train_and_score(still, plan(Scoring.VALIDATION, 3)).outcomes[3]
    (fold,) = outcome.folds
    assert len({epoch.val_accuracy for epoch in fold.history}) == 1
    assert fold.epoch == 1
    assert [epoch.epoch for epoch in outcome.history] == [1, 2, 3]


def test_a_pruned_validation_ends_with_its_history_and_last_confusion(network: Network) -> None:
    spoiled, reports = spoil(network, 1e4, fold=1, epoch=1)  # so that the first epoch is the best
    scored = train_and_score(
        network,
        plan(Scoring.VALIDATION, 5),
        lambda one: spoiled(one) or prune(one.epoch.epoch == 2),
    )
    assert (scored.outcomes, scored.error, len(reports)) == ({}, "", 2)
    assert scored.pruned is not None
    (fold,) = scored.pruned.folds
    assert numbers(fold.history) == numbers([one.epoch for one in reports])
    assert (fold.epoch, fold.score) == (2, reports[1].epoch.val_accuracy)
    np.testing.assert_array_equal(fold.confusion, network.evaluate(HELD.validation).confusion)


@pytest.mark.parametrize("folds", [1, 2])
def test_a_cross_validation_is_pruned_after_a_fold_and_never_inside_one(
    network: Network, folds: int
) -> None:
    reports: list[Report] = []

    def report(one: Report) -> Stop | None:
        reports.append(one)
        return prune(len(one.scores) == folds or one.epoch.epoch == 1)

    scored = train_and_score(network, plan(Scoring.CROSS_VALIDATION, 2), report)
    assert len(reports) == 2 * folds
    assert scored.outcomes == {}
    assert scored.pruned is not None
    assert scored.pruned.scores == reports[-1].scores
    assert [len(fold.history) for fold in scored.pruned.folds] == [2] * folds


@pytest.mark.parametrize("scoring", BOTH)
def test_where_a_fit_diverges_the_horizons_before_are_scored(
    network: Network, scoring: Scoring
) -> None:
    expected = train_and_score(network, plan(scoring, 2))
    # No optimizer of these diverges at its default rate: a bias is made infinite by hand.
    broken = 2 if scoring is Scoring.CROSS_VALIDATION else 1
    report, reports = spoil(network, np.inf, broken, epoch=2)
    scored = train_and_score(network, plan(scoring, 2, 4), report)
    assert scored.error == f"the loss is nan in epoch 3 of fold {broken}"
    assert (list(scored.outcomes), scored.pruned) == ([2], None)
    assert_same(scored.outcomes[2], expected.outcomes[2])
    assert len(reports) == (4 + 2 + 2 if broken == 2 else 2)  # fold 3 has no longer horizon


def test_a_shortened_cross_validation_can_still_be_pruned(network: Network) -> None:
    spoiled, reports = spoil(network, np.inf, fold=1, epoch=2)
    scored = train_and_score(
        network,
        plan(Scoring.CROSS_VALIDATION, 2, 4),
        lambda one: spoiled(one) or prune(len(one.scores) == 2),
    )
    assert scored.pruned is not None
    assert scored.pruned.scores == reports[-1].scores
    assert [len(fold.history) for fold in scored.pruned.folds] == [2, 2]


@pytest.mark.parametrize("scoring", BOTH)
def test_a_training_whose_first_epoch_diverges_has_no_outcome(
    pixels: Pixels, scoring: Scoring
) -> None:
    wild = make_network(pixels, optimizer="sgd", learning_rate=np.inf)
    reports: list[Report] = []
    scored = train_and_score(wild, plan(scoring, 1, 2), lambda one: reports.append(one))
    assert scored.error == "the loss is nan in epoch 1 of fold 1"
    assert (scored.outcomes, scored.pruned, reports) == ({}, None, [])


def test_a_fold_without_validation_images_cannot_be_scored(network: Network) -> None:
    nothing = Training([Fold(ROWS[:100], ROWS[:0])], 5, [1], Scoring.VALIDATION)
    with pytest.raises(ValueError, match="cannot be scored"):
        train_and_score(network, nothing)
