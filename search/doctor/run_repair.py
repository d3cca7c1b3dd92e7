"""Repair of a trial's run: what it has lost, from the storage and from what it still has."""

from __future__ import annotations

import json
import tempfile
import time
from functools import cached_property
from pathlib import Path

from ...checksums import CHECKSUMS
from ...models.confusion import Confusion
from ...models.metrics import ACCURACY
from ...models.settings import Scoring
from ...models.training import Epoch
from ...tracking.run_record import TAG_RESTORED, Metric, RunRecord
from ...tracking.store import Store
from ...tracking.stored_runs import WholeRun
from ..runs.artifacts import TrainingDone, best_epoch
from ..runs.records import RunRecords
from ..runs.schema import CONFUSION, CURVES, TRIAL
from ..runs.schema_types import Numbers, missing_tag, write
from ..runs.values import final_metrics, training_params, trial_identity
from ..storage.stored_study import StoredStudy
from ..study.sync import run_records_of
from ..trial import Trial, training_seed
from .compare import differs
from .expected import Expected

RESTORED = "made anew from the storage; curves, artifacts and model are lost"


class RunRepair:
    """Mends the runs of one study's finished trials."""

    def __init__(self, study: StoredStudy, store: Store) -> None:
        self._study = study
        self._space = study.config.space
        self._store = store

    @cached_property
    def _run_records(self) -> RunRecords:
        return run_records_of(self._study.config)

    def make_anew(self, trial: Trial, expected: Expected, parent: str | None) -> None:
        """Make the run of a trial of which only the storage knows; it says what it lacks."""
        frozen = self._study.frozen()[trial.number]
        now = time.time()  # Optuna notes local times, without their zone
        ended = frozen.datetime_complete.timestamp() if frozen.datetime_complete else now
        began = frozen.datetime_start.timestamp() if frozen.datetime_start else ended
        ended_at = int(ended * 1000)
        note = {TAG_RESTORED: RESTORED} if expected.files else {}
        record = RunRecord(
            name=expected.name,
            # The note is there from the first: what a kill leaves of this run is no other run.
            identity={**trial_identity(self._study.config, trial.number), **note},
            status=expected.status,
            started_at=int(began * 1000),
            ended_at=ended_at,
            tags=expected.tags,
            params=self._params(trial),
            metrics=(
                *final_metrics(expected.metrics, ended_at, trial.number),
                *self._reported(trial.number, ended_at),
            ),
        )
        self._store.ship(record, parent)

    def mend(self, trial: Trial, expected: Expected, run: WholeRun) -> None:
        """Give a run what it lacks of what it must hold, as far as that can be known."""
        now = time.time_ns() // 1_000_000
        wrong = [
            name for name, one in expected.metrics.items() if differs(run.metrics.get(name), one)
        ]
        found = [
            Metric(name, expected.metrics[name], self._last_step(run, name), now) for name in wrong
        ]
        if "val_accuracy" in set(expected.measured) - run.metrics.keys():
            found += self._reported(trial.number, run.ended_at or now)
        params = self._params(trial)
        missing = expected.params.keys() - run.params.keys()
        with self._store.errors():
            self._store.log(
                run.id,
                metrics=found,
                params={name: params[name] for name in missing},
                tags={
                    name: value
                    for name, value in expected.tags.items()
                    if run.tags.get(name) != value
                },
            )
            for name in expected.absent & run.tags.keys():
                self._store.client.delete_tag(run.id, name)
            if TAG_RESTORED not in run.tags:
                self._redraw(trial, expected, run)
            if run.status != expected.status.value:
                self._store.client.set_terminated(run.id, expected.status.value, run.ended_at)

    def _params(self, trial: Trial) -> dict[str, str]:
        study = self._study.config
        settings = self._space.settings(trial.parameters)
        return training_params(settings, training_seed(study.seed, trial.parameters))

    def _reported(self, number: int, at: int) -> list[Metric]:
        """The curve that Optuna knows, where trials are scored by accuracy epoch by epoch."""
        if self._space.scoring is not Scoring.VALIDATION or self._space.metric != ACCURACY:
            return []
        scores = self._study.reported(number)
        return [Metric("val_accuracy", score, epoch, at) for epoch, score in scores.items()]

    def _last_step(self, run: WholeRun, name: str) -> int:
        """What counts as a metric's last value is the one with the highest step."""
        history = self._store.client.get_metric_history(run.id, name)
        return max((one.step for one in history), default=0)

    def _redraw(self, trial: Trial, expected: Expected, run: WholeRun) -> None:
        """Make missing artifacts from the numbers that they show, where the run has those."""
        gone = expected.files - run.files | expected.files & run.damaged.keys()
        if CHECKSUMS in run.damaged:  # it is written anew with what is drawn
            gone = expected.files
        missing = {path: TRIAL.artifacts[path] for path in gone}
        shown = {one.shows for one in missing.values()}
        confusion = self._confusion(run) if Numbers.CONFUSION in shown else ()
        curves = self._history(run) if Numbers.CURVES in shown else ()
        known = {Numbers.CONFUSION: bool(confusion), Numbers.CURVES: bool(curves), None: False}
        if possible := {path: one for path, one in missing.items() if known[one.shows]}:
            records = self._run_records
            training = TrainingDone(
                on=records.artifacts,
                heading=records.heading(trial),
                confusion=confusion,
                history=curves,
                best_epoch=best_epoch(trial.metrics),
            )
            with tempfile.TemporaryDirectory() as folder:
                made = write(possible, training, Path(folder))
                self._store.add_artifacts(run.id, made.folder)
            self._store.log(run.id, metrics=(), params={}, tags=made.missing)
            for tag in {missing_tag(path) for path in possible} & run.tags.keys():
                if tag not in made.missing:
                    self._store.client.delete_tag(run.id, tag)

    def _confusion(self, run: WholeRun) -> Confusion:
        """The run's confusion matrix; empty if it is not there, or is damaged."""
        if CONFUSION not in run.files or CONFUSION in run.damaged:
            return ()
        with tempfile.TemporaryDirectory() as folder:
            file = self._store.client.download_artifacts(run.id, CONFUSION, folder)
            try:
                counts: Confusion = json.loads(Path(file).read_text("utf-8"))
            except ValueError:  # cut off, say
                return ()
        return counts

    def _history(self, run: WholeRun) -> list[Epoch]:
        """The run's epochs from its metrics; none if a curve is not whole."""
        curves = {
            name: {one.step: one for one in self._store.client.get_metric_history(run.id, name)}
            for name in CURVES
        }
        epochs = sorted(curves[CURVES[0]])
        if any(sorted(curve) != epochs for curve in curves.values()):
            return []
        return [
            Epoch(
                epoch=number,
                **{name: curve[number].value for name, curve in curves.items()},
                measured_at=curves[CURVES[0]][number].timestamp,
                seconds=0.0,
                score_seconds=0.0,
            )
            for number in epochs
        ]
