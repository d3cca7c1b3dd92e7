"""Settings, read back from the texts that a run holds."""

from __future__ import annotations

from fmsearch.search.retrain.recorded_training import read_settings
from fmsearch.search.space.load import load_space, read_space


def test_settings_are_read_from_texts_as_the_values_that_they_were() -> None:
    for name in ("mlp_grid", "cnn"):
        space = load_space(name)
        settings = space.settings(space.published[0] if space.published else {})
        read = read_settings(space, {key: str(value) for key, value in settings.items()})
        assert read == settings
        assert [type(one) for one in read.values()] == [type(one) for one in settings.values()]


def test_a_word_that_python_would_read_otherwise_stays_a_word() -> None:
    space = read_space(
        "name: own\nmodel: 'mine:build'\nengine: optuna\ntrials: 1\nscore: {by: validation}\n"
        "fixed: {norm: 'None'}\nparameters: {kind: ['[1]', two], depth: {int: [1, 3]}}\n",
        "own",
    )
    read = read_settings(space, {"kind": "[1]", "norm": "None", "depth": "2", "seed": "7"})
    assert (read["kind"], read["norm"], read["depth"]) == ("[1]", "None", 2)
