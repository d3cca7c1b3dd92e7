"""How often the gate lets a worse model take the champion's place, and a better one.

    python benchmarks/gate.py                  # 5,000 gate images, half a minute of CPU

Pairs of models are simulated: on a share of the images (`--apart`) only one of the two is right.
The candidate's true accuracy is the champion's, 0.9, plus a difference. Each pair meets through
the program's own `judge`.
"""

from __future__ import annotations

import argparse

import numpy as np

from fmsearch.search.retrain.gate import Answers, judge

CHAMPION = 0.90
DIFFERENCES = (-0.01, -0.005, -0.002, -0.001, 0.0, 0.001, 0.002, 0.005, 0.01, 0.02)


def answers(right: np.ndarray) -> Answers:
    """Answers that are right on these images."""
    return Answers(
        data_sha256="",
        rows_sha256="",
        class_names=("wrong", "right"),
        labels=(1,) * len(right),
        predicted=tuple(right.astype(int).tolist()),
    )


def passes(draw: np.random.Generator, images: int, apart: float, difference: float) -> bool:
    """Whether a candidate passes that is better than the champion by a true difference.

    Args:
        draw: Draws the images.
        images: Of the gate.
        apart: Share of the images on which one of both is right alone.
        difference: Of the true accuracies; its absolute value is at most `apart`.
    """
    mine = (apart + difference) / 2
    shares = [mine, apart - mine, CHAMPION - (apart - mine), 1 - CHAMPION - mine]
    kind = draw.choice(4, images, p=shares)  # right alone, wrong alone, both right, both wrong
    return judge(answers(np.isin(kind, (0, 2))), answers(np.isin(kind, (1, 2))), "").passed


def main() -> None:
    """Print the shares of pairs that pass."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2_000, help="for each difference")
    parser.add_argument("--images", type=int, default=5_000, help="of the gate")
    parser.add_argument("--apart", type=float, default=0.06, help="share with one right alone")
    parser.add_argument("--spread", type=float, default=0.005, help="of differences in a mixture")
    arguments = parser.parse_args()
    draw = np.random.default_rng(0)
    print(f"{arguments.images:,} gate images, one right alone on {arguments.apart:.0%}")
    print("true difference   alias goes to the candidate")
    for difference in DIFFERENCES:
        passed = sum(
            passes(draw, arguments.images, arguments.apart, difference)
            for _ in range(arguments.pairs)
        )
        print(f"{difference:+15.3f}   {passed / arguments.pairs:.2%} of {arguments.pairs:,}")
    drawn = np.clip(draw.normal(0, arguments.spread, arguments.pairs), -0.03, 0.03)
    passed = [passes(draw, arguments.images, arguments.apart, one) for one in drawn]
    worse, won = drawn < 0, np.array(passed)
    print(f"differences drawn with a spread of {arguments.spread}:")
    print(f"{(won & worse).sum()} of {worse.sum():,} worse candidates pass")
    print(f"{(won & ~worse).sum()} of {(~worse).sum():,} better ones")


if __name__ == "__main__":
    main()
