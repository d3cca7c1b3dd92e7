"""Importances: how much each parameter matters for a study's scores, as Optuna finds it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna import Study

    from ..storage.stored_study import StoredStudy

FEWEST_TRIALS = 2
"""Complete ones, below which nothing can be compared, and nothing of a search is drawn."""


def note_importances(stored: StoredStudy) -> None:
    """Put the importances so far on record, where a look at the study finds them."""
    stored.attributes.set_importances(importances(stored.study()))


def importances(study: Study) -> dict[str, float]:
    """Share of each parameter in the differences of the scores, the largest first.

    The first call loads scikit-learn, which takes a second.

    Returns:
        Empty while there are too few trials to say.
    """
    import optuna

    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(complete) < FEWEST_TRIALS:
        return {}  # Optuna would give all parameters equal shares
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few trials give rough importances
        try:
            # Optuna asks what makes a target low.
            return optuna.importance.get_param_importances(
                study, target=lambda trial: -trial.values[0]
            )
        except (ValueError, RuntimeError):
            return {}
