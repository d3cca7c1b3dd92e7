"""Models of one's own with something bad in them."""
# ruff: noqa: E501  # the table has a case in a line

from __future__ import annotations

from pathlib import Path

from .case import GRID, Bad, Make, changed, file


def model(code: str) -> Make:
    """`mine.py`, the module of a user's own model."""
    return file("mine.py", f"import keras, os, sys\n{code}\n")


def network(output: str) -> Make:
    """A model that ends with this layer, or these layers."""
    return model(
        "def build(shape, classes, *, width):\n"
        "    images = keras.Input(shape)\n"
        "    flat = keras.layers.Flatten()(images)\n"
        f"    return keras.Model(images, {output}(flat))"
    )


def class_of_my_own(
    body: str, base: str = "layers.Layer", made: str = "Mine()", above: str = ""
) -> Make:
    """A model with an instance of a class of one's own."""
    return model(
        f"{above}\n"
        f"class Mine(keras.{base}):\n"
        f"    {body}\n"
        "def build(shape, classes, *, width):\n"
        "    images = keras.Input(shape)\n"
        f"    x = {made}(keras.layers.Flatten()(images))\n"
        "    return keras.Model(images, keras.layers.Dense(classes, 'softmax')(x))"
    )


REGISTERED = "@keras.saving.register_keras_serializable()"
FORGETS = (
    "def __init__(self, factor=1.0, **more): super().__init__(**more); self.factor = factor\n"
    "    def call(self, x): return x * self.factor\n"
    "    def get_config(self): return super().get_config()"
)
TAKES = (
    "def __init__(self, turn, **more): super().__init__(**more); self.turn = turn\n"
    "    def call(self, x): return self.turn(x)"
)
OF_MY_OWN = "study --space own.yaml --offline --name fresh"


def metric(code: str) -> Make:
    """`bad.yaml`, a grid that is scored by the function `score` of `mine.py`, a user's own."""

    def make(folder: Path) -> None:
        changed("folds: 3", "folds: 3, metric: mine:score", base=GRID)(folder)
        model(code)(folder)

    return make


BY_MY_OWN = "study --space bad.yaml --offline --name fresh"


# fmt: off
MODELS = (
    Bad("a metric from no module", BY_MY_OWN, "score.metric: mine:score: ModuleNotFoundError: No module named 'mine'", changed("folds: 3", "folds: 3, metric: mine:score", base=GRID)),
    Bad("a metric that raises", BY_MY_OWN, "score.metric: mine:score: ZeroDivisionError: division by zero", metric("def score(labels, probabilities): return 1 / 0")),
    Bad("a metric in words", BY_MY_OWN, "score.metric: mine:score: it gives 'good', not a number", metric("def score(labels, probabilities): return 'good'")),
    Bad("a metric that is none", BY_MY_OWN, "score.metric: mine:score: it gives nan, no finite number", metric("def score(labels, probabilities): return float('nan')")),
    Bad("a metric that exits", BY_MY_OWN, "score.metric: it ends its process (exit code 3)", metric("def score(labels, probabilities): os._exit(3)")),
    Bad("no such module", OF_MY_OWN, "model: mine:build: ModuleNotFoundError: No module named 'mine'"),
    Bad("a module that is no Python", OF_MY_OWN, "mine:build: SyntaxError: invalid syntax (mine.py", model("def build(:")),
    Bad("a module that raises", OF_MY_OWN, "mine:build: ZeroDivisionError: division by zero", model("1 / 0")),
    Bad("no such function", OF_MY_OWN, "module 'mine' has no attribute 'build'", model("")),
    Bad("no function", OF_MY_OWN, "mine:build: TypeError: 'int' object is not callable", model("build = 3")),
    Bad("other parameters", OF_MY_OWN, "got an unexpected keyword argument 'width'", model("def build(shape, classes): ...")),
    Bad("an error of two lines", OF_MY_OWN, "mine:build: ValueError: one two", model("def build(*_, width): raise ValueError('one\\ntwo')")),
    Bad("no network", OF_MY_OWN, "it gives a NoneType, not a keras.Model", model("def build(*_, width): ...")),
    Bad("a function without end", OF_MY_OWN, "RecursionError", model("def build(*_, width): return build(width=width)")),
    Bad("a function that exits", OF_MY_OWN, "mine:build: it ends its process (exit code 0)", model("def build(*_, width): os._exit(0)")),
    Bad("too many classes", OF_MY_OWN, "it gives outputs of shape (2, 3) for 2 images, not (2, 2)", network("keras.layers.Dense(3, 'softmax')")),
    Bad("no softmax", OF_MY_OWN, "its outputs are no probabilities: end it with a softmax", network("keras.layers.Dense(2)")),
    Bad("outputs in float16", OF_MY_OWN, 'its outputs are float16: give its last layer dtype="float32"', network("keras.layers.Dense(2, 'softmax', dtype='float16')")),
    Bad("a Lambda layer", OF_MY_OWN, "not loaded again: a lambda has no name by which it could be found; write it as a function, or", class_of_my_own("pass", made="keras.layers.Lambda(lambda x: x + 1)")),
    Bad("a lambda as activation", OF_MY_OWN, "not loaded again: a lambda has no name", class_of_my_own("pass", made="keras.layers.Dense(2, lambda x: x + 1)")),
    Bad("a layer that is not registered", OF_MY_OWN, f"not loaded again: 'Mine' is not registered; write {REGISTERED} above it", class_of_my_own("def call(self, x): return x * 2")),
    Bad("a class without get_config", OF_MY_OWN, "it cannot be saved: 'Mine' has no get_config, which gives by name what", class_of_my_own(TAKES, made="Mine(lambda x: x)", above=REGISTERED)),
    Bad("a network without get_config", OF_MY_OWN, "it cannot be saved: 'Mine' has no get_config", class_of_my_own(TAKES, base="Model", made="Mine(keras.ops.relu)", above=REGISTERED)),
    Bad("a get_config that forgets", OF_MY_OWN, "loaded again, it answers otherwise, by up to", class_of_my_own(FORGETS, made="Mine(-30.0)", above=REGISTERED)),
    Bad("a layer that ends its process", OF_MY_OWN, "it ends its process (exit code 3)", class_of_my_own("def call(self, x): return x\n    @classmethod\n    def from_config(cls, config): os._exit(3)", above=REGISTERED)),
    Bad("a parameter of our own name", "study --space bad.yaml --offline --name fresh", "it gives a NoneType, not a keras.Model", lambda at: [make(at) for make in (changed("width", "shape"), model("def build(*_, shape): ..."))]),
)
