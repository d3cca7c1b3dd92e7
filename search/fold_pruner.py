"""The pruner of cross-validated studies: a configuration goes after a bad fold."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

ROUNDING = 1e-9
"""Two scores that differ by less are equal."""


class FoldPruner(BasePruner):
    """Prunes a trial whose mean over the folds so far is below the best trial's worst fold.

    Of the rules of Bergman, Purucker and Hutter (2024, arXiv 2405.03389) it is the cautious one:
    what is better than the best trial in most folds may be worse than its mean in the first.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether a running trial is to end; it reports its mean over the folds after each fold."""
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        trained = [one for one in complete if one.intermediate_values]  # others repeat these
        if not trained or trial.last_step is None:
            return False
        best = max(trained, key=lambda one: one.values[0])
        so_far = trial.intermediate_values[trial.last_step]
        return so_far < min(_fold_scores(best.intermediate_values)) - ROUNDING


def _fold_scores(means: Mapping[int, float]) -> list[float]:
    """The scores of the folds whose means, after each of them, were reported."""
    sums = [0.0, *(step * mean for step, mean in sorted(means.items()))]
    return [after - before for before, after in pairwise(sums)]
