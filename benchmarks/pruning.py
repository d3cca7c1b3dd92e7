"""Measures what pruning saves, by replaying the curves of an unpruned study through a pruner.

Run a study without a pruner first, then this:

    fmsearch study --space cnn --name unpruned --pruner none --train-images 24000
    python benchmarks/pruning.py --study unpruned

40 trials; the study takes about an hour on two cores, and twice that with all images. Curves of a
cross-validated study are means over the folds so far.
"""

from __future__ import annotations

import argparse
import random
import statistics
from pathlib import Path

import optuna
from optuna.trial import TrialState

from fmsearch.models.settings import Scoring
from fmsearch.search.pruners import PRUNERS, make_pruner
from fmsearch.search.space.space import Space
from fmsearch.search.storage.storage import open_storage

Curve = dict[int, float]


def replay(space: Space, curves: list[Curve], pruner: str, order: list[int]) -> tuple[bool, float]:
    """Run a study whose trials have these curves, one after the other.

    Returns:
        Whether the best trial was not pruned, and the share of epochs or folds that was trained.
    """
    made = make_pruner(pruner, space)
    scores = [_score(space, curve) for curve in curves]
    study = optuna.create_study(direction="maximize", pruner=made)
    trained, kept = 0, set()
    for index in order:
        trial = study.ask()
        state = TrialState.COMPLETE
        for epoch, accuracy in sorted(curves[index].items()):
            trained += 1
            trial.report(accuracy, epoch)
            if epoch < max(curves[index]) and trial.should_prune():
                state = TrialState.PRUNED
                break
        if state is TrialState.COMPLETE:
            kept.add(index)
            study.tell(trial, scores[index])
        else:
            study.tell(trial, state=state)
    best = max(range(len(curves)), key=scores.__getitem__)
    return best in kept, trained / sum(len(curve) for curve in curves)


def _score(space: Space, curve: Curve) -> float:
    """That of the best epoch, or the mean over all folds."""
    if space.scoring is Scoring.CROSS_VALIDATION:
        return curve[max(curve)]
    return max(curve.values())


def main() -> None:
    """Replay in several random orders and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", required=True, help="a study without a pruner")
    parser.add_argument("--home", type=Path, default=Path("mlruns"))
    parser.add_argument("--orders", type=int, default=10, help="random orders of the trials")
    parser.add_argument("--pruner", choices=PRUNERS, action="append", help="[default: median]")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = f"sqlite:///{arguments.home / 'studies.db'}"
    study = open_storage(storage).study(arguments.study)
    trials = study.study().get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    curves = [trial.intermediate_values for trial in trials]
    print(f"{len(curves)} trials of {arguments.study}, {arguments.orders} orders")
    print(f"{'pruner':<10} {'best kept':>10} {'trained, median':>15} {'trained, most':>13}")
    for pruner in arguments.pruner or ["median"]:
        outcomes = []
        for seed in range(arguments.orders):
            order = list(range(len(curves)))
            random.Random(seed).shuffle(order)
            outcomes.append(replay(study.config.space, curves, pruner, order))
        kept = f"{sum(best for best, _ in outcomes)} of {len(outcomes)}"
        shares = [share for _, share in outcomes]
        middle, most = statistics.median(shares), max(shares)
        print(f"{pruner:<10} {kept:>10} {middle:>14.0%} {most:>12.0%}")


if __name__ == "__main__":
    main()
