"""The pool of trainers: of one that dies only the log says so, unless too many die over a job."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.families import FAMILIES
from fmsearch.models.settings import Scoring
from fmsearch.models.split import Fold
from fmsearch.search.outbox import read_result
from fmsearch.search.processes.fork_server import load_tensorflow_in_advance
from fmsearch.search.processes.scratch import scratch_folder
from fmsearch.search.trainers.jobs import TrainerSetup, TrialJob
from fmsearch.search.trainers.messages import EpochDone, JobDone, JobFailed, Message
from fmsearch.search.trainers.pool import TrainerPool
from fmsearch.search.trial import Verdict

from ..conftest import IMAGES, newest_trainer

EPOCHS = 3
START = (0, 0)
FIRST, SECOND, THIRD = np.arange(300, dtype=np.int32).reshape(3, 100)
SETUP = TrainerSetup(
    data=str(IMAGES),
    classes=10,
    model="mlp",
    parameters=(),
    folds=(Fold(FIRST, SECOND),),
    judged=True,  # so that a trainer waits after each epoch, to be told to go on or killed
    checkpoint_every=0.0,
)
TOO_MANY = JobFailed(
    "its trainer died 3 times without a new epoch "
    "(exit code -9: killed, as the system does when memory runs out)",
    died=True,
)


@pytest.fixture
def pool() -> Iterator[TrainerPool]:
    """One trainer, which keeps a checkpoint of each epoch."""
    load_tensorflow_in_advance()
    with TrainerPool(1, SETUP) as pool:
        yield pool


def trial(folder: Path) -> TrialJob:
    return TrialJob(
        epochs={0: EPOCHS},
        settings=FAMILIES["mlp"].complete({"hidden_units": 8, "layers": 1, "optimizer": "sgd"}),
        seed=0,
        entries={0: folder / "trial"},
        checkpoint=folder / "checkpoint.npz",
    )


def train(
    pool: TrainerPool, job: TrialJob, kills: dict[tuple[int, int], int]
) -> tuple[list[tuple[int, int]], JobDone | JobFailed]:
    """What is heard of a job: each fold and epoch, and the end.

    Args:
        kills: How often the trainer is killed that has done this fold and epoch, or, at `START`,
            none yet.
    """
    left, heard = Counter(kills), []

    def kill_at(place: tuple[int, int]) -> bool:
        if not left[place]:
            return False
        left[place] -= 1
        os.kill(newest_trainer(), signal.SIGKILL)
        return True

    for _, message in pool.run([job], lambda: None if heard else kill_at(START)):
        if not isinstance(message, EpochDone):
            assert left.total() == 0
            return heard, message
        heard.append((message.fold, message.epoch))
        if not kill_at(heard[-1]) and message.scores:
            pool.judge(0, Verdict(""))
    raise AssertionError


def test_a_killed_trainers_job_goes_on_from_its_checkpoint_bit_for_bit(
    pool: TrainerPool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed, disturbed = trial(tmp_path / "undisturbed"), trial(tmp_path / "disturbed")
    assert train(pool, undisturbed, {}) == ([(1, 1), (1, 2), (1, 3)], JobDone())
    assert caplog.messages == []
    heard, end = train(pool, disturbed, {(1, 2): 1})
    # What was heard last, or before it, is said again: its answer may be lost.
    assert heard in ([(1, 1), (1, 2), (1, 2), (1, 3)], [(1, 1), (1, 2), (1, 1), (1, 2), (1, 3)])
    assert end == JobDone()
    (warning,) = caplog.messages
    assert warning.startswith("a trainer died (exit code -9: killed, ")
    results = [read_result(job.entries[0]) for job in (undisturbed, disturbed)]
    assert results[0].metrics == results[1].metrics
    assert results[0].confusion == results[1].confusion


def test_a_trainer_whose_temporary_files_are_removed_is_replaced(
    pool: TrainerPool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They are those of the process that trainers are forked from, too."""
    shutil.rmtree(scratch_folder())
    assert train(pool, trial(tmp_path), {}) == ([(1, 1), (1, 2), (1, 3)], JobDone())
    (warning,) = caplog.messages
    assert "(exit code 2: somebody has removed its temporary files)" in warning


def test_a_job_over_which_three_trainers_die_has_failed_and_the_next_one_is_done(
    pool: TrainerPool, tmp_path: Path
) -> None:
    assert train(pool, trial(tmp_path / "deadly"), {START: 3}) == ([], TOO_MANY)
    assert pool.idle() == [0]
    assert train(pool, trial(tmp_path / "harmless"), {})[1] == JobDone()


def test_an_epoch_that_was_reached_before_is_no_progress(tmp_path: Path) -> None:
    load_tensorflow_in_advance()
    with TrainerPool(1, replace(SETUP, checkpoint_every=3600.0)) as pool:
        heard, end = train(pool, trial(tmp_path), {(1, 2): 3})
    assert (heard, end) == ([(1, 1), (1, 2)] * 3, TOO_MANY)


def test_a_new_epoch_is_progress(pool: TrainerPool, tmp_path: Path) -> None:
    assert train(pool, trial(tmp_path), {START: 2, (1, 1): 2})[1] == JobDone()


def test_a_new_fold_is_progress(tmp_path: Path) -> None:
    load_tensorflow_in_advance()
    folds = (Fold(FIRST, SECOND), Fold(SECOND, THIRD))
    setup = replace(SETUP, folds=folds, scoring=Scoring.CROSS_VALIDATION)
    with TrainerPool(1, setup) as pool:
        assert train(pool, trial(tmp_path), {(1, EPOCHS): 2, (2, EPOCHS): 1})[1] == JobDone()


def test_deaths_and_progress_are_counted_for_each_job(pool: TrainerPool, tmp_path: Path) -> None:
    assert train(pool, trial(tmp_path / "first"), {START: 2})[1] == JobDone()
    assert train(pool, trial(tmp_path / "second"), {START: 2, (1, 1): 1})[1] == JobDone()


def test_trainers_that_die_without_a_job_are_replaced_until_three_have(
    pool: TrainerPool, tmp_path: Path
) -> None:
    def die() -> list[tuple[int, Message]]:
        os.kill(newest_trainer(), signal.SIGKILL)
        return list(pool.messages())

    assert [die(), die()] == [[], []]
    assert train(pool, trial(tmp_path), {})[1] == JobDone()
    assert [die(), die()] == [[], []]
    with pytest.raises(FmsearchError, match=r"trainers die at their start \(exit code -9: killed"):
        die()


def test_an_interruption_ends_a_job(pool: TrainerPool, tmp_path: Path) -> None:
    heard = []

    def check_interrupted() -> None:
        if heard:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        heard.extend(message for _, message in pool.run([trial(tmp_path)], check_interrupted))
