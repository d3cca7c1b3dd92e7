"""Keras Tuner in a process of its own."""

from __future__ import annotations

import multiprocessing

from sklearn.model_selection import ParameterGrid

from fmsearch.search.engines.grid_process import TunerProcess
from fmsearch.search.processes.fork_server import load_tensorflow_in_advance


def test_keras_tuner_in_a_process_of_its_own_hears_every_score_again_after_its_death() -> None:
    load_tensorflow_in_advance()
    tuner = TunerProcess({"a": (1, 2), "b": (0.5, 0.25)})
    assert tuner.points() == list(ParameterGrid({"a": [1, 2], "b": [0.5, 0.25]}))
    tuner.score(2, 0.7)
    (process,) = multiprocessing.active_children()
    process.kill()
    process.join()
    tuner.score(0, 0.9)
    assert tuner.best(4) == [({"a": 1, "b": 0.5}, 0.9), ({"a": 2, "b": 0.5}, 0.7)]
    tuner.close()
    assert multiprocessing.active_children() == []
