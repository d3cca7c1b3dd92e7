"""Overviews: how a study stands, at a glance."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .study_ledger import StudyLedger
from .trial import State, Trial, best_trial


@dataclass(frozen=True)
class Overview:
    """How a study stands.

    Attributes:
        trials: All of them, by number.
        running: For each running trial its last reported step and score; None before the first.
        importances: Share of each parameter in the differences of the scores, the largest first;
            empty while there are too few trials to say.
    """

    trials: list[Trial]
    running: Mapping[int, tuple[int, float] | None]
    importances: Mapping[str, float]

    @property
    def best(self) -> Trial | None:
        return best_trial(self.trials)

    @property
    def counts(self) -> Mapping[State, int]:
        """How many trials there are in each state that occurs."""
        found = Counter(trial.state for trial in self.trials)
        return {state: found[state] for state in State if found[state]}


def overview(ledger: StudyLedger) -> Overview:
    """Read how a study stands."""
    trials = ledger.trials()
    running: dict[int, tuple[int, float] | None] = {}
    for trial in trials:
        if trial.state is State.RUNNING:
            running[trial.number] = max(ledger.reported(trial.number).items(), default=None)
    return Overview(trials, running, _importances(ledger))


def _importances(ledger: StudyLedger) -> dict[str, float]:
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few trials give rough importances
        try:
            # Optuna asks what makes a target low.
            return optuna.importance.get_param_importances(
                ledger.study(), target=lambda trial: -trial.values[0]
            )
        except (ValueError, RuntimeError):
            return {}
