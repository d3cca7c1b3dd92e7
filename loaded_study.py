"""A loaded study: its trials as values, as a table, as Optuna's, as figures, and their models."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .errors import FmsearchError
from .models.environment_variables import FIXED
from .places import Places
from .search.trial import Trial

if TYPE_CHECKING:
    import optuna
    import pandas as pd
    from plotly.graph_objects import Figure

    from .search.storage.stored_study import StoredStudy


class Study:
    """A study of a store. What is asked of it is read anew, so that a running one can be watched.

    Attributes:
        name: Of the study.
        tracking_uri: MLflow's, as `mlflow.set_tracking_uri` takes it.
    """

    def __init__(self, stored: StoredStudy, places: Places) -> None:
        """Of its record in the storage; `places` are those of the store."""
        self._stored = stored
        self._places = places
        self.name = stored.config.name
        self.tracking_uri = places.tracking_uri

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self._stored.counts().items())
        best = self.best
        found = f"; best: trial {best.number}, score {best.score:.5f}" if best else ""
        return f"<study {self.name}: {counts or 'no trials'}{found}>"

    @property
    def data(self) -> str:
        """What it was searched on: `fashion-mnist`, or the path of an .npz file."""
        return self._stored.config.data

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        return self._stored.trials()

    @property
    def best(self) -> Trial | None:
        """The complete trial with the highest score, of equal ones the first; None without one."""
        return self._stored.best()

    def dataframe(self) -> pd.DataFrame:
        """A row for each trial, with its number as index: state, parameters, final numbers.

        Parameters have `param_` before their names where other columns have those.
        """
        import pandas as pd

        from .search.runs.tables import parameter_columns

        trials = self.trials
        parameters = sorted({name for trial in trials for name in trial.parameters})
        metrics = list(dict.fromkeys(name for trial in trials for name in trial.metrics))
        others = ["state", *metrics, "fit_seconds", "reason", "duplicate_of"]
        columns = parameter_columns(parameters, others)
        table = pd.DataFrame(
            [
                [
                    trial.status,
                    *(trial.parameters.get(name) for name in parameters),
                    *(trial.metrics.get(name) for name in metrics),
                    sum(trial.fit_seconds),
                    trial.reason,
                    trial.duplicate_of,
                ]
                for trial in trials
            ],
            index=pd.Index([trial.number for trial in trials], name="trial"),
            columns=["state", *columns, *others[1:]],
        )
        return table.astype({"duplicate_of": "Int64"})

    @property
    def optuna(self) -> optuna.Study:
        """The study as Optuna's own. It is read; to change it is to change the record."""
        return self._stored.study()

    @property
    def figures(self) -> dict[str, Figure]:
        """Optuna's figures of the search as plotly's, by name: `history`, `importances`, …

        Empty while fewer than two trials are complete. Loading plotly takes a second.
        """
        from .search.runs.search_figures import interactive_figures

        return interactive_figures(self.optuna, self._stored.config.space.objectives)

    def model(self, trial: int | Trial | None = None) -> Any:
        """The network of a trial, as MLflow has it: a Keras model; it loads TensorFlow.

        It takes raw images, uint8 (n, h, w) or (n, h, w, c), and gives probabilities, float32
        (n, classes). Of a cross-validated trial it is that of the fold with the median score.

        Args:
            trial: Or its number; None for the best one.

        Raises:
            FmsearchError: There is no such trial, or it has no model in MLflow (yet).
        """
        from .search.runs.values import trial_identity
        from .tracking.reachability import check_reachable
        from .tracking.store import Store
        from .tracking.stored_models import load_network

        found = self._trial(trial)
        if found.duplicate_of is not None:
            return self.model(found.duplicate_of)
        with as_guest():
            check_reachable(self._places)
            store = Store(self._places, create=False)
            run = store.find(trial_identity(self._stored.config, found.number))
            if run is None:
                raise FmsearchError(f"MLflow does not have trial {found.number} of {self.name!r}")
            return load_network(store, run)

    def keras_tuner_oracle(self) -> Any:
        """A grid as Keras Tuner sees it, as of now: a `keras_tuner.Oracle`; it loads TensorFlow.

        Raises:
            FmsearchError: The study is no grid.
        """
        from .search.engines.grid_oracle import keras_tuner_oracle

        return keras_tuner_oracle(self._stored)

    def _trial(self, trial: int | Trial | None) -> Trial:
        if trial is None:
            if (best := self.best) is None:
                raise FmsearchError(f"the study {self.name!r} has no complete trial yet")
            return best
        number, trials = trial if isinstance(trial, int) else trial.number, self.trials
        if not 0 <= number < len(trials):
            raise FmsearchError(
                f"the study {self.name!r} has no trial {number}; it has {len(trials)}"
            )
        return trials[number]


@contextmanager
def as_guest() -> Iterator[None]:
    """Leave what is set for MLflow, Keras and TensorFlow in this process as its owner set it."""
    before = {name: os.environ[name] for name in _ours()}
    mlflow = sys.modules.get("mlflow")
    uri = mlflow.get_tracking_uri() if mlflow and mlflow.tracking.is_tracking_uri_set() else None
    try:
        yield
    finally:
        if mlflow := sys.modules.get("mlflow"):
            mlflow.set_tracking_uri(uri)
        for name in _ours():
            del os.environ[name]
        os.environ.update(before)


def _ours() -> list[str]:
    """The environment variables that commands set or take away."""
    return [name for name in os.environ if name in FIXED or "MLFLOW_" in name]
