"""Running a reproduction: its studies and trainings, each of them once, and then the report."""

from __future__ import annotations

import contextlib
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from ...errors import FmsearchError
from ...locks import hold
from ...models.data import load_training
from ...models.families import FAMILIES
from ...models.split import Split, split_rows
from ...tracking.reachability import TrackingError, check_reachable
from ...tracking.run_record import Status
from ...tracking.store import Store
from ...tracking.stored_runs import find_tagged, read_artifacts
from ..engines.strategy import choose_strategy
from ..result import Result
from ..runs.values import trial_identity
from ..space.space import Space
from ..storage.storage import open_storage
from ..study.callback import StudyCallback
from ..study.plan import Limits, Plan
from ..study.run import run_study
from ..trial import State, Trial, best_trial
from . import final_models
from .catalogue import Experiment, choice_space, grid_space
from .final_models import FinalModels
from .outcomes import Chosen, Outcomes, Searched
from .plan import ReproductionPlan
from .report import write_report
from .runs import ReproductionRuns


class Watch(final_models.Watch, Protocol):
    """Gives the callbacks for a reproduction's studies and final models."""

    def study(self, name: str) -> AbstractContextManager[StudyCallback]:
        """A context of one study, which gives its callback."""


def reproduce(plan: ReproductionPlan, watch: Watch) -> Outcomes:
    """Do published experiments again, or continue; at the end, MLflow has the report.

    Raises:
        FmsearchError: An error that the user can mend.
    """
    for one in plan.experiments:
        _check_fit(plan, one)
    plan.places.prepare()
    check_reachable(plan.places)
    split = split_rows(load_training(plan.data.prepared).labels, plan.train_images)
    what = f"the reproduction {plan.name!r}"
    with hold(plan.places.lock(f"{plan.name}.reproduction"), what):
        run_records = ReproductionRuns(plan, plan.open_config())
        return _Conductor(plan, split, run_records, watch).run()


def _check_fit(plan: ReproductionPlan, experiment: Experiment) -> None:
    if experiment.is_grid:
        return
    family = FAMILIES[plan.catalogue.model(experiment)]
    settings = plan.catalogue.settings(experiment, {})
    if reason := family.fault(settings, plan.data.image_shape):
        raise FmsearchError(f"{experiment.id} does not fit {plan.data.name}: {reason}")


class _Conductor:
    def __init__(
        self, plan: ReproductionPlan, split: Split, run_records: ReproductionRuns, watch: Watch
    ) -> None:
        self._plan = plan
        self._run_records = run_records
        self._watch = watch
        self._store = Store(plan.places)
        self._stored = open_storage(plan.places.storage, plan.places.worker())
        self._parent = self._store.ship(run_records.whole(Status.RUNNING))
        self._models = FinalModels(
            run_records=run_records,
            split=split,
            store=self._store,
            parent=self._parent,
            watch=watch,
        )

    def run(self) -> Outcomes:
        try:
            outcomes = self._run()
            with tempfile.TemporaryDirectory() as folder:
                write_report(outcomes, self._plan, self._run_records, Path(folder))
                self._store.ship(self._run_records.whole(Status.FINISHED, Path(folder)))
        except BaseException as error:  # the run ends in any case
            status = Status.KILLED if isinstance(error, KeyboardInterrupt) else Status.FAILED
            with contextlib.suppress(TrackingError):
                self._store.ship(self._run_records.whole(status))
            raise
        return outcomes

    def _run(self) -> Outcomes:
        plan = self._plan
        trainings = [one for one in plan.experiments if not one.is_grid]
        trained: dict[str, tuple[Result, ...]] = {}
        chosen: dict[str, Chosen] = {}
        searched: dict[str, tuple[Searched, ...]] = {}
        for family in FAMILIES:
            those = [one for one in trainings if plan.catalogue.model(one) == family]
            for origin in dict.fromkeys(plan.catalogue.origin(one).id for one in those):
                if plan.catalogue[origin].candidates:
                    chosen[origin] = self._choose(plan.catalogue[origin])
            trained |= self._models.train(family, those, chosen)
            if family == "mlp":  # grids train perceptrons
                grids = [one for one in plan.experiments if one.is_grid]
                searched = {one.id: self._search(one) for one in grids}
        return Outcomes(
            catalogue=plan.catalogue,
            experiments=plan.experiments,
            trained=trained,
            searched=searched,
            chosen=chosen,
            class_names=plan.data.class_names,
            rehearsal=plan.rehearsal,
        )

    def _study(self, space: Space, name: str, seed: int) -> tuple[Trial, ...]:
        """Run a study, unless it is finished, and return all its trials.

        Raises:
            FmsearchError: A trial is not complete, or MLflow did not take all runs.
        """
        plan = self._plan
        study = Plan(
            space=space,
            name=name,
            data=plan.data,
            seed=seed,
            jobs=plan.jobs,
            train_images=plan.train_images,
            places=plan.places,
            offline=False,
            strategy=choose_strategy(space, None, None, reproducible=False, jobs=plan.jobs),
            limits=Limits(space.trials),
            checkpoint_every=plan.checkpoint_every,
        )
        with self._watch.study(name) as callback:
            summary = run_study(study, callback)
        if summary.waiting is not None:
            raise FmsearchError(f"MLflow did not take all of {name}; the same command goes on")
        failed = [one for one in summary.trials if one.state is not State.COMPLETE]
        if failed:
            first = failed[0]
            raise FmsearchError(
                f"trial {first.number} of {name} is {first.state.value}: {first.reason}"
            )
        return tuple(summary.trials)

    def _choose(self, experiment: Experiment) -> Chosen:
        """Choose the open settings of a training by a study on validation images."""
        name = f"{self._plan.name}-{experiment.id}-open"
        trials = self._study(choice_space(experiment), name, 0)
        best = best_trial(trials)
        if best is None or best.score is None:
            raise ValueError(f"{name} has no complete trial")
        point = {**best.parameters, "epochs": int(best.metrics["best_epoch"])}
        return Chosen(name, best.score, len(trials), point)

    def _search(self, experiment: Experiment) -> tuple[Searched, ...]:
        """Search a grid by a study for each seed."""
        found = []
        for seed in self._plan.seeds_of(experiment):
            name = f"{self._plan.name}-{experiment.id}-s{seed}"
            one = Searched(name, seed, self._study(grid_space(experiment), name, seed))
            folder = self._plan.entry(experiment, seed) / "artifacts"
            study = self._stored.study(name).config
            run = find_tagged(self._store, trial_identity(study, one.best.number))
            if run is None:
                raise FmsearchError(f"the run of {name}'s best trial is gone; `fmsearch doctor`")
            read_artifacts(self._store, run, folder)
            self._store.ship(self._run_records.searched(experiment, one, folder), self._parent)
            found.append(one)
        return tuple(found)
