"""Checkpoints: a training that died goes on, whatever the file holds."""

import hashlib
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.checkpoint import SHARE, Checkpoint
from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.fold_training import Progress, Report, Scored, Stop, Training, train_and_score
from fmsearch.models.network import Network, Pixels
from fmsearch.models.score import FoldOutcome
from fmsearch.models.settings import Scoring
from fmsearch.models.split import Fold, Folding, cut_folds
from fmsearch.models.training import Epoch, FitState

ROWS = np.random.default_rng(0).permutation(2400).astype(np.int32)
CROSS_VALIDATION = Training(
    folds=cut_folds(ROWS[:300], Folding(3), np.zeros(2400, np.int32)),
    seed=5,
    horizons=[2, 4],
    scoring=Scoring.CROSS_VALIDATION,
)
VALIDATION = Training(
    folds=[Fold(ROWS[:300], ROWS[300:500])], seed=5, horizons=[4], scoring=Scoring.VALIDATION
)
CASES = [
    pytest.param(CROSS_VALIDATION, 2, 1, id="in fold 2, before the first horizon"),
    pytest.param(CROSS_VALIDATION, 2, 3, id="in fold 2, after the first horizon"),
    pytest.param(CROSS_VALIDATION, 2, 4, id="at the end of fold 2"),
    pytest.param(CROSS_VALIDATION, 3, 4, id="at the end"),
    pytest.param(VALIDATION, 1, 1, id="validation, early"),
    pytest.param(VALIDATION, 1, 3, id="validation, late"),
]


class EveryEpoch(Checkpoint):
    """Keeps the progress after each epoch, however long it takes."""

    def due(self) -> bool:
        return True


class PowerCutError(Exception):
    """Ends a training between two epochs, as the death of its process does."""


@pytest.fixture(scope="module")
def networks(images: Path) -> tuple[Network, Network]:
    """One to begin on and one to go on with; each training overwrites them."""
    pixels, mlp = Pixels(load_training(str(images)), classes=10), FAMILIES["mlp"]
    settings = {"hidden_units": 16, "dropout_rate": 0.3, "batch_size": 64, "batch_norm": True}
    here, elsewhere = (Network(pixels, mlp, mlp.complete(settings)) for _ in range(2))
    return here, elsewhere


def cut_after(fold: int, epoch: int) -> Callable[[Report], None]:
    """A report that ends the training once the progress after this epoch has been kept."""
    over = False

    def report(one: Report) -> None:
        nonlocal over
        if over:
            raise PowerCutError
        over = (one.fold, one.epoch.epoch) == (fold, epoch)

    return report


def interrupt(
    network: Network, training: Training, checkpoint: Checkpoint, report: Callable[[Report], None]
) -> None:
    try:
        train_and_score(network, training, report, checkpoint)
    except PowerCutError:
        return


def numbers(history: tuple[Epoch, ...]) -> list[tuple[object, ...]]:
    """What an epoch measured, without when."""
    return [(e.epoch, e.train_loss, e.train_accuracy, e.val_loss, e.val_accuracy) for e in history]


def assert_same_arrays(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> None:
    for left, right in zip(one, other, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


def assert_same_folds(one: tuple[FoldOutcome, ...], other: tuple[FoldOutcome, ...]) -> None:
    for left, right in zip(one, other, strict=True):
        assert (left.epoch, left.score) == (right.epoch, right.score)
        assert numbers(left.history) == numbers(right.history)
        assert_same_arrays((left.confusion, *left.weights), (right.confusion, *right.weights))


def assert_same(one: Scored, other: Scored) -> None:
    """Equal to the last bit, but for times."""
    assert (one.error, one.pruned) == (other.error, other.pruned)
    assert list(one.outcomes) == list(other.outcomes)
    for horizon, outcome in one.outcomes.items():
        assert_same_folds(outcome.folds, other.outcomes[horizon].folds)


@pytest.fixture(scope="module")
def uninterrupted(networks: tuple[Network, Network]) -> dict[Scoring, Scored]:
    return {
        training.scoring: train_and_score(networks[0], training)
        for training in (CROSS_VALIDATION, VALIDATION)
    }


@pytest.mark.parametrize(("training", "fold", "epoch"), CASES)
def test_a_training_resumed_elsewhere_equals_an_uninterrupted_one_bit_for_bit(
    networks: tuple[Network, Network],
    uninterrupted: dict[Scoring, Scored],
    tmp_path: Path,
    training: Training,
    fold: int,
    epoch: int,
) -> None:
    here, elsewhere = networks
    interrupt(here, training, EveryEpoch(tmp_path / "a.npz", 0), cut_after(fold, epoch))
    start = Checkpoint(tmp_path / "a.npz", 0).load()
    assert start is not None
    assert (start.fold, start.state.history[-1].epoch) == (fold, epoch)
    seen: list[Report] = []
    resumed = train_and_score(elsewhere, training, lambda one: seen.append(one), start=start)
    assert_same(resumed, uninterrupted[training.scoring])
    again = [one for one in seen if (one.fold, one.epoch.epoch) == (fold, epoch)]
    assert [one.scores for one in again] == [start.scores] * bool(start.scores)
    total = len(training.folds) * 4
    assert len(seen) - len(again) == total - 4 * (fold - 1) - epoch  # no epoch is trained twice


def stop_at(fold: int, epoch: int, stop: Stop) -> Callable[[Report], Stop | None]:
    """A report that stops the training after an epoch."""
    return lambda one: stop if (one.fold, one.epoch.epoch) == (fold, epoch) else None


SCORED = [pytest.param(VALIDATION, 1, 3), pytest.param(CROSS_VALIDATION, 2, 4)]


@pytest.mark.parametrize(("training", "fold", "epoch"), SCORED)
def test_a_paused_training_that_goes_on_equals_one_never_paused_bit_for_bit(
    networks: tuple[Network, Network],
    uninterrupted: dict[Scoring, Scored],
    tmp_path: Path,
    training: Training,
    fold: int,
    epoch: int,
) -> None:
    here, elsewhere = networks
    paused = train_and_score(here, training, stop_at(fold, epoch, Stop.PAUSE))
    assert paused.paused is not None
    assert (paused.outcomes, paused.pruned, paused.paused.fold) == ({}, None, fold)
    assert paused.paused.epoch == epoch
    kept = Checkpoint(tmp_path / "a.npz", 3600)
    kept.keep(paused.paused)
    start = kept.load()
    resumed = train_and_score(elsewhere, training, start=start)
    assert_same(resumed, uninterrupted[training.scoring])
    again = train_and_score(elsewhere, training, stop_at(fold, epoch, Stop.PAUSE), start=start)
    assert again.paused is start  # its process died before it heard that it is paused


@pytest.mark.parametrize(("training", "fold", "epoch"), SCORED)
def test_a_paused_training_can_end_as_it_is(
    networks: tuple[Network, Network], training: Training, fold: int, epoch: int
) -> None:
    here, elsewhere = networks
    paused = train_and_score(here, training, stop_at(fold, epoch, Stop.PAUSE)).paused
    ended = train_and_score(elsewhere, training, lambda one: Stop.PRUNE, start=paused)
    pruned = train_and_score(here, training, stop_at(fold, epoch, Stop.PRUNE))
    assert paused is not None
    assert ended.pruned is not None
    assert pruned.pruned is not None
    assert numbers(ended.pruned.history) == numbers(pruned.pruned.history)
    assert ended.pruned.confusion.sum() == pruned.pruned.confusion.sum()


def test_a_training_interrupted_twice_equals_an_uninterrupted_one(
    networks: tuple[Network, Network], uninterrupted: dict[Scoring, Scored], tmp_path: Path
) -> None:
    here, elsewhere = networks
    checkpoint = EveryEpoch(tmp_path / "a.npz", 0)
    interrupt(here, CROSS_VALIDATION, checkpoint, cut_after(1, 3))
    with pytest.raises(PowerCutError):
        train_and_score(
            elsewhere, CROSS_VALIDATION, cut_after(2, 3), checkpoint, start=checkpoint.load()
        )
    resumed = train_and_score(here, CROSS_VALIDATION, start=checkpoint.load())
    assert_same(resumed, uninterrupted[Scoring.CROSS_VALIDATION])


def test_a_resumed_training_still_says_that_an_earlier_fold_diverged(
    networks: tuple[Network, Network], tmp_path: Path
) -> None:
    network, _ = networks
    cut = cut_after(2, 1)

    def report(one: Report) -> None:
        if (one.fold, one.epoch.epoch) == (1, 2):
            network.model.trainable_variables[-1].assign(np.full(10, np.inf))
        cut(one)

    interrupt(network, CROSS_VALIDATION, EveryEpoch(tmp_path / "a.npz", 0), report)
    start = Checkpoint(tmp_path / "a.npz", 0).load()
    scored = train_and_score(network, CROSS_VALIDATION, start=start)
    assert list(scored.outcomes) == [2]
    assert scored.error == "the loss is nan in epoch 3 of fold 1"


def progress(epochs: int = 1) -> Progress:
    """A small one, with all that one can have."""
    history = tuple(
        Epoch(
            epoch=number,
            train_loss=0.1 + number,
            train_accuracy=1 / 3,
            val_loss=1e-9,
            val_accuracy=0.7,
            measured_at=1_700_000_000_000,
            seconds=2.5,
            score_seconds=0.5,
        )
        for number in range(1, epochs + 1)
    )
    weights = (np.float32([[1 / 3, 2], [3, 4]]), np.float32([5]))
    right = np.array([True, False, True])
    outcome = FoldOutcome(history, 1, np.array([[3, 1], [0, 4]], np.int64), weights, 7 / 8, right)
    variables = (np.float32([1, 2, 3]), np.array(7, np.int64), np.uint32([8, 9]))
    return Progress(2, FitState(history, variables), {1: {1: outcome, 2: outcome}, 3: {}})


def test_what_is_loaded_is_what_was_kept(tmp_path: Path) -> None:
    kept = progress(epochs=3)
    Checkpoint(tmp_path / "new folder" / "a.npz", 0).keep(kept)
    loaded = Checkpoint(tmp_path / "new folder" / "a.npz", 0).load()
    assert loaded is not None
    assert (loaded.fold, loaded.state.history) == (2, kept.state.history)
    assert_same_arrays(loaded.state.variables, kept.state.variables)
    assert {at: list(folds) for at, folds in loaded.kept.items()} == {1: [1, 2], 3: []}
    for fold in (1, 2):
        assert_same_folds((loaded.kept[1][fold],), (kept.kept[1][fold],))
        assert loaded.kept[1][fold].history == kept.kept[1][fold].history


def test_a_checkpoint_takes_the_place_of_an_earlier_one_until_it_is_removed(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "a.npz", 0)
    assert checkpoint.load() is None
    for epochs in (1, 2):
        checkpoint.keep(progress(epochs))
        loaded = checkpoint.load()
        assert loaded is not None
        assert len(loaded.state.history) == epochs
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    for _ in range(2):
        checkpoint.remove()
        assert checkpoint.load() is None


def test_a_damaged_checkpoint_is_ignored_wherever_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    checkpoint = Checkpoint(path, 0)
    checkpoint.keep(progress())
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place])
        assert checkpoint.load() is None


def test_a_flipped_bit_is_noticed_or_harmless(tmp_path: Path) -> None:
    path, kept = tmp_path / "a.npz", progress()
    checkpoint = Checkpoint(path, 0)
    checkpoint.keep(kept)
    whole = path.read_bytes()
    for place in range(0, len(whole), 13):
        damaged = bytes([whole[place] ^ (1 << place % 8)])
        path.write_bytes(whole[:place] + damaged + whole[place + 1 :])
        loaded = checkpoint.load()
        if loaded is not None:  # the bit was none of the data's, of which the file has checksums
            assert loaded.state.history == kept.state.history
            assert_same_arrays(loaded.state.variables, kept.state.variables)
            assert_same_folds(tuple(loaded.kept[1].values()), tuple(kept.kept[1].values()))


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", np.arange(9).tobytes(), b"PK\x05\x06" + bytes(18)],
    ids=["nothing", "text", "numbers", "an empty archive"],
)
def test_a_file_that_is_no_checkpoint_is_ignored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    assert Checkpoint(tmp_path / "a.npz", 0).load() is None


def sealed(packed: io.BytesIO) -> bytes:
    """Content with the digest that a checkpoint begins with."""
    return hashlib.sha256(packed.getvalue()).digest() + packed.getvalue()


def test_a_checkpoint_of_another_version_is_ignored(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "a.npz", 0)
    for document in ("{}", "[]", '{"fold": 1, "history": [{"accuracy": 1}], "variables": []}'):
        packed = io.BytesIO()
        np.savez(packed, document=np.array(document))
        (tmp_path / "a.npz").write_bytes(sealed(packed))
        assert checkpoint.load() is None
    packed = io.BytesIO()
    np.save(packed, np.arange(3))  # one array instead of several
    (tmp_path / "a.npz").write_bytes(sealed(packed))
    assert checkpoint.load() is None


def wait_until_due(checkpoint: Checkpoint) -> None:
    for _ in range(2000):
        if checkpoint.due():
            return
        time.sleep(0.005)
    pytest.fail("a checkpoint is not due for 10 s")


def test_a_checkpoint_is_due_so_long_after_the_last_one(tmp_path: Path) -> None:
    begin = time.monotonic()
    checkpoint = Checkpoint(tmp_path / "a.npz", every=0.3)
    wait_until_due(checkpoint)
    assert time.monotonic() - begin >= 0.3
    begin = time.monotonic()
    checkpoint.keep(progress())
    wait_until_due(checkpoint)
    assert time.monotonic() - begin >= 0.3
    assert not Checkpoint(tmp_path / "a.npz", every=3600).due()
    always = Checkpoint(tmp_path / "a.npz", every=0)
    always.keep(progress())
    assert always.due()


def test_keeping_takes_no_more_than_its_share_of_the_time(tmp_path: Path) -> None:
    checkpoint, spent, begin = Checkpoint(tmp_path / "a.npz", every=0.001), 0.0, time.monotonic()
    for _ in range(3):
        before = time.monotonic()
        checkpoint.keep(progress())
        spent += time.monotonic() - before
        wait_until_due(checkpoint)
    # Twice, because this clock also counts what happens to the process outside of `keep`.
    assert spent <= 2 * SHARE * (time.monotonic() - begin)
