"""Trying failed trials again: they wait under their numbers, and MLflow keeps how they failed."""

from __future__ import annotations

from ...errors import FmsearchError
from ...places import Places
from ...tracking.run_record import ATTEMPT, TAG_BEST, TAG_RETRIED, TAG_ROLE, Status
from ...tracking.store import Store
from ..outbox import entries, keep_apart
from ..runs.values import identity, trial_identity
from ..storage.storage import Storage
from ..storage.stored_study import StoredStudy
from ..storage.study_config import StudyConfig
from ..trial import SEED, State, Trial


def retry_failed(study: StoredStudy, storage: Storage, places: Places) -> list[int]:
    """Let the failed trials of a study wait, to be tried again under their numbers.

    So a point of a grid keeps its place, and no limit counts a trial twice. The run of a failed
    one stays, as that of an attempt, and its folder, if it waits in the outbox. The storage is
    changed last, so that an interrupted call can be repeated. The caller holds the study's lock,
    and opens the storage anew.

    Returns:
        The numbers of these trials.

    Raises:
        FmsearchError: Another worker runs the study, or the store cannot be reached.
    """
    failed = [one for one in study.trials() if one.state is State.FAILED and not one.is_damaged]
    if not failed:
        return []
    study.check_run_nowhere_else()
    if places.has_runs:
        _mark_runs(Store(places), study.config, failed)
    waiting = entries(places.outbox(study.config.label))
    for trial in failed:
        if trial.number in waiting:
            keep_apart(waiting[trial.number], f"it is tried again; it failed: {trial.reason}")
    numbers = [trial.number for trial in failed]
    storage.let_wait(study.config.name, numbers)
    return numbers


def _mark_runs(store: Store, study: StudyConfig, failed: list[Trial]) -> None:
    """Let the runs of failed trials, and what the study's run says of the best, be of the past."""
    ours = store.find(identity(study, "study"))
    if ours is not None and ours.data.params.keys() - {SEED}:
        raise FmsearchError(
            f"the run of the study {study.name!r} has the best parameters as params, which MLflow "
            "lets nobody change: an earlier version wrote them; begin anew with another --name"
        )
    if ours is not None and TAG_BEST in ours.data.tags:  # written anew when the session ends
        store.again(lambda: store.client.delete_tag(ours.info.run_id, TAG_BEST))
    for trial in failed:
        run = store.find(trial_identity(study, trial.number))
        if run is None:
            continue
        run_id, name = str(run.info.run_id), f"{run.info.run_name} (failed, tried again)"
        with store.errors():
            if run.info.status == Status.RUNNING.value:  # half shipped
                store.client.set_terminated(run_id, Status.FAILED.value)
            store.client.update_run(run_id, name=name)
            tags = {TAG_RETRIED: f"tried again as trial {trial.number}", TAG_ROLE: ATTEMPT}
            store.log(run_id, metrics=(), params={}, tags=tags)
