"""The claims of the publication, held against what was measured."""

from __future__ import annotations

from fmsearch.search.reproduction.claims import Claim, check_claims
from fmsearch.search.reproduction.outcomes import Outcomes, Searched
from fmsearch.search.trial import State, Trial

from .made_outcomes import outcomes, trained


def claim(found: Outcomes, text: str) -> Claim:
    (one,) = (one for one in check_claims(found) if text in one.text)
    return one


def test_twins_differ_by_more_than_seeds_make_where_those_agree_closely() -> None:
    close = trained((0.8800, 0.8801, 0.8802))
    apart = trained((0.87, 0.88, 0.89))
    text = "mlp_1 and mlp_2"
    assert claim(outcomes(mlp_1=close, mlp_2=close), text).verdict == "yes"
    assert claim(outcomes(mlp_1=apart, mlp_2=apart), text).verdict == "no"


def test_one_seed_cannot_say() -> None:
    one = trained((0.88,))
    assert claim(outcomes(mlp_1=one, mlp_2=one), "mlp_1 and").verdict == "one seed cannot say"


def search(winner: float, other: float, seed: int) -> Searched:
    """Two points of the second grid: the published winner, and one more."""
    points = (
        {"batch_size": 128, "epochs": 20, "optimizer": "adam"},
        {"batch_size": 64, "epochs": 20, "optimizer": "adam"},
    )
    trials = []
    for number, (point, score) in enumerate(zip(points, (winner, other), strict=True)):
        metrics = {f"fold_{k}_score": score + 0.001 * k * (number + seed) for k in (1, 2, 3)}
        mean = sum(metrics.values()) / 3
        trials.append(
            Trial(number, point, State.COMPLETE, mean, {"score": mean, **metrics}, (1.0,) * 3)
        )
    return Searched("s", seed, tuple(trials))


def test_a_published_winner_that_wins_is_the_best_point() -> None:
    found = claim(outcomes([search(0.89, 0.80, 0), search(0.89, 0.80, 1)]), "winner")
    assert found.verdict == "yes"
    assert "ranks by seed: 1, 1; 1 of 2 points" in found.evidence


def test_a_published_winner_that_loses_has_its_rank() -> None:
    found = claim(outcomes([search(0.80, 0.89, 0), search(0.80, 0.89, 1)]), "winner")
    assert found.verdict == "no: rank 2 of 2"


def test_points_that_differ_by_less_than_folds_do_are_not_distinguishable() -> None:
    found = claim(outcomes([search(0.8800, 0.8795, 0), search(0.8800, 0.8795, 1)]), "winner")
    assert "2 of 2 points are not distinguishable" in found.evidence


def test_networks_are_in_order_where_each_is_clearly_better() -> None:
    found = outcomes(
        cnn_2=trained((0.920, 0.921, 0.922)),
        cnn_3=trained((0.930, 0.931, 0.932)),
        cnn_4=trained((0.931, 0.932, 0.930)),
    )
    assert claim(found, "cnn_3 is better than cnn_2").verdict == "yes"
    assert claim(found, "cnn_4 is better than cnn_3").verdict == "not distinguishable"


def test_overfitting_is_the_gap_between_own_and_test_images() -> None:
    values = (0.920, 0.921, 0.922)
    wide, narrow = trained(values, 0.08), trained(values, 0.02)
    assert claim(outcomes(cnn_1=wide, cnn_2=narrow), "overfits").verdict == "yes"
    assert claim(outcomes(cnn_1=narrow, cnn_2=wide), "overfits").verdict == "no"


def test_classes_are_judged_by_every_final_model() -> None:
    worse = ((99, 0, 1, 0), (10, 80, 10, 0), (5, 0, 85, 10), (2, 10, 18, 70))
    found = outcomes(mlp_1=trained((0.88,)), mlp_2=trained((0.88,), confusion=worse))
    assert claim(found, "Trouser").verdict == "1 of 2"
    assert claim(found, "Shirt").verdict == "1 of 2"


def test_other_tests_that_move_the_accuracy_are_told() -> None:
    base = trained((0.920, 0.920))
    near, far = trained((0.922, 0.922)), trained((0.910, 0.910))
    text = "never move"
    assert claim(outcomes(cnn_4=base, cnn_4_narrow=near), text).verdict == "yes"
    assert claim(outcomes(cnn_4=base, cnn_4_narrow=far), text).verdict == "no"
