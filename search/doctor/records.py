"""Records: what storage, outbox and MLflow say of one study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ...places import Places
from ...tracking.run_record import TAG_ROLE, TAG_TRIAL
from ...tracking.store import Store
from ...tracking.stored_runs import WholeRun, runs_of_study
from ..outbox import checkpoints, entries
from ..runs.shipping import UNSHIPPED
from ..storage.stored_study import StoredStudy
from ..storage.study_config import StudyConfig
from ..trial import Trial
from .compare import Candidates, candidates
from .expected import expected_study, expected_trial


@dataclass(frozen=True)
class Records:
    """What storage, outbox and MLflow say of one study.

    Attributes:
        trials: All of them, by number.
        outbox: Its folder.
        runs: Of the study and of its trials, deleted ones included.
    """

    study: StudyConfig
    trials: Sequence[Trial]
    outbox: Path
    runs: Sequence[WholeRun]

    @cached_property
    def waiting(self) -> frozenset[int]:
        """Numbers of the trials whose results wait in the outbox."""
        return frozenset(entries(self.outbox)) & {trial.number for trial in self.trials}

    @cached_property
    def is_unshipped(self) -> bool:
        """Whether `sync` has something to do, after which the study's run is as it must be."""
        return bool(self.waiting) or (self.outbox / UNSHIPPED).exists()

    @cached_property
    def foreign(self) -> list[Path]:
        """Folders in the outbox that belong to no trial."""
        return [path for number, path in entries(self.outbox).items() if number not in self.waiting]

    @cached_property
    def stale_checkpoints(self) -> dict[int, Path]:
        """Checkpoints of finished trials."""
        found = checkpoints(self.outbox)
        finished = {trial.number for trial in self.trials if trial.state.finished}
        return {number: found[number] for number in sorted(found.keys() & finished)}

    @cached_property
    def study_run(self) -> Candidates:
        runs = self._by_trial[None]
        best = max(runs, key=lambda run: (not run.is_deleted, -run.started_at), default=None)
        return candidates(expected_study(self.study, self.trials, best), runs)

    @property
    def parent(self) -> str | None:
        """Id of the study's run, under which its trials' runs stand."""
        best = self.study_run.best
        return None if best is None else best.id

    def trial_run(self, trial: Trial) -> Candidates:
        """The runs of a finished trial."""
        expected = expected_trial(self.study, trial, self.parent)
        return candidates(expected, self._by_trial[trial.number])

    @cached_property
    def orphans(self) -> list[tuple[WholeRun, Trial | None]]:
        """Runs that must not be there: of no trial, or of one that the storage has unfinished."""
        found: list[tuple[WholeRun, Trial | None]] = []
        for number, runs in self._by_trial.items():
            if number is None:
                continue
            trial = self.trials[number] if 0 <= number < len(self.trials) else None
            if trial is None or self._has_no_result(trial):
                found += [(run, trial) for run in runs if not run.is_deleted]
        return found

    @property
    def rests(self) -> list[WholeRun]:
        """Runs that must not be there and never ended: nothing is lost with them."""
        return [run for run, _ in self.orphans if run.status == "RUNNING"]

    def _has_no_result(self, trial: Trial) -> bool:
        return not trial.state.finished and trial.number not in self.waiting

    @cached_property
    def _by_trial(self) -> Mapping[int | None, list[WholeRun]]:
        """Runs by trial number, those of the study itself under None, and -1 for no number."""
        found: defaultdict[int | None, list[WholeRun]] = defaultdict(list)
        for run in self.runs:
            number = run.tags.get(TAG_TRIAL) or run.name.removeprefix(f"{self.study.name}-")
            role = run.tags.get(TAG_ROLE)
            if role == "study" or (role is None and run.name == self.study.name):
                found[None].append(run)
            elif role == "trial" or (role is None and number.isdecimal()):
                found[int(number) if number.isdecimal() else -1].append(run)
        return found


def read_records(study: StoredStudy, places: Places, *, read: bool = False) -> Records:
    """Read what there is of a study; `read` as of `runs_of_study`."""
    id_, outbox = study.config.id, places.outbox(study.config.label)
    runs = runs_of_study(Store(places), id_, read=read) if places.has_runs else []
    return Records(study.config, study.trials(), outbox, runs)
