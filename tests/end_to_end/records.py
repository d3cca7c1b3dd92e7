"""What stands in a storage and in MLflow's store after a study, in one home or another."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.trial import Trial, best_trial


def stored(home: Path, study: str) -> StoredStudy:
    return open_storage(f"sqlite:///{home / 'studies.db'}").study(study)


def trials(home: Path, study: str) -> list[Trial]:
    """All of them; what is found of them by queries of its own is the same."""
    found = stored(home, study)
    every = found.trials()
    assert found.best() == best_trial(every)
    assert found.counts() == Counter(trial.status for trial in every)
    return every


def table(home: Path, study: str) -> list[tuple[object, ...]]:
    """What must come out the same, to the last bit."""
    return [
        (t.number, t.state, dict(t.parameters), repr(t.score), repr(t.fold_scores), t.duplicate_of)
        for t in trials(home, study)
    ]


def client_of(home: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{home / 'mlflow.db'}")


def runs(home: Path, role: str = "trial") -> list[Run]:
    """The store's runs of a role."""
    client = client_of(home)
    experiment = client.get_experiment_by_name("fmsearch")
    assert experiment is not None
    ids = [experiment.experiment_id]
    return list(client.search_runs(ids, f"tags.`fmsearch.role` = '{role}'"))


def run_of(home: Path, name: str) -> Run:
    """The trial's run of that name, such as `small-0001`."""
    (run,) = (one for one in runs(home) if one.info.run_name == name)
    return run


def artifacts(home: Path, run: Run, folder: str) -> list[str]:
    listed = client_of(home).list_artifacts(run.info.run_id, folder)
    return sorted(Path(one.path).name for one in listed)
