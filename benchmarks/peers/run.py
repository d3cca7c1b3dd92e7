"""Runs one peer in this process.

    python -m peers.run keras_tuner_grid '{"points": [...]}'

It prints one line of JSON: the scores, and the seconds of the search. Before a grid comes a tiny
one, so that TensorFlow is loaded, in each of a peer's processes, when the time begins.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from dataclasses import replace

from .problem import Problem

WARM_IMAGES = 3_000


def main() -> None:
    """Search, and print what came of it."""
    name, text = sys.argv[1:]
    problem = Problem(**json.loads(text))
    if problem.jobs > 1:  # each process computes with its part of the cores
        threads = str(max(1, len(os.sched_getaffinity(0)) // problem.jobs))
        os.environ |= {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads}
    search = importlib.import_module(f".{name}", __package__).search
    if problem.points and not problem.first_epoch:
        point = {**problem.points[0], "epochs": 1}
        search(replace(problem, images=WARM_IMAGES, points=[point] * problem.jobs))
    begin = time.perf_counter()
    scores = search(problem)
    seconds = time.perf_counter() - begin
    if not scores or not all(scores):  # a peer that goes on after an error
        sys.exit(f"{name}: no score: {scores}")
    print(json.dumps({"seconds": seconds, "scores": scores}))


if __name__ == "__main__":
    main()
