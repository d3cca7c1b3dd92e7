"""Measures networks with both libraries of kernels: which one a model family should have.

python benchmarks/kernels.py        # writes the table of docs/speed.md, 5 minutes
"""

from __future__ import annotations

import argparse

from flops import NETWORKS, in_a_process

from fmsearch.models.families import FAMILIES
from fmsearch.models.kernels import LIBRARIES


def main() -> None:
    """Print the table, a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print("| training step | Eigen | oneDNN | Eigen / oneDNN | evaluation | its family has |")
    print("|---|---|---|---|---|---|", flush=True)
    for name, (family, _, _) in NETWORKS.items():
        eigen, onednn = (
            in_a_process(name, with_keras=False, rounds=rounds, kernels=one) for one in LIBRARIES
        )
        cells = [f"{one.step * 1e3:.2f} ms, {one.share:.0%}" for one in (eigen, onednn)]
        ratio, evaluation = eigen.step / onednn.step, eigen.evaluation / onednn.evaluation
        chosen = FAMILIES[family].kernels or "TensorFlow's"
        print(
            f"| {name} | {' | '.join(cells)} | {ratio:.2f} | {evaluation:.2f} | {chosen} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
