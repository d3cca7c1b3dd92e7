"""Runs of a study that has another name now: theirs, and the tags that say whose they are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mlflow.entities import RunTag

from .run_record import TAG_ID, TAG_NOTE, TAG_ROLE, TAG_STUDY
from .store import Store
from .stored_runs import pages

if TYPE_CHECKING:
    from mlflow.entities import Run


def rename_runs(store: Store, study_id: str, name: str) -> None:
    """Give the runs of a study, their models and registered versions the study's name.

    It can be repeated after an interruption. What is in MLflow's bin keeps the former name, as do
    the names of logged models, which MLflow lets nobody change.

    Raises:
        TrackingError: The store did not answer, or refused.
    """
    for run in store.again(lambda: list(pages(store, study_id))):
        if run.info.lifecycle_stage != "deleted" and run.data.tags.get(TAG_STUDY) != name:
            store.again(partial(_rename, store, run, name))
    for model in store.again(lambda: list(store.models.having({TAG_ID: study_id}))):
        if model.tags.get(TAG_STUDY) != name:
            tags = {TAG_STUDY: name}
            store.again(partial(store.client.set_logged_model_tags, model.model_id, tags))


def _rename(store: Store, run: Run, name: str) -> None:
    client, run_id = store.client, run.info.run_id
    former, called = run.data.tags.get(TAG_STUDY, ""), str(run.info.run_name)
    if former and called.startswith(former):
        client.update_run(run_id, name=f"{name}{called.removeprefix(former)}")
    if run.data.tags.get(TAG_ROLE) == "final":
        for version in client.search_model_versions(f"run_id = '{run_id}'"):
            client.set_model_version_tag(version.name, str(version.version), TAG_STUDY, name)
    note = run.data.tags.get(TAG_NOTE, "").replace(f"--study {former}`", f"--study {name}`")
    tags = [RunTag(TAG_STUDY, name), *([RunTag(TAG_NOTE, note)] if note else [])]
    client.log_batch(run_id, tags=tags)  # behind the rest: this says that all is done
