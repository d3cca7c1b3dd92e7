"""What several kinds of run hold, for the schema."""

from __future__ import annotations

from dataclasses import replace

from ...checksums import CHECKSUMS
from ...tracking import run_record as tag
from ..trial import SEED
from .schema_types import Case, Item

DATA = {tag.TAG_DATA: Item("SHA-256 of the data set")}
SPACE = {tag.TAG_SPACE: Item("name of the space"), **DATA}
IMAGES = {tag.TAG_IMAGES: Item("`--train-images`, or `all`")}
MISSING = {
    f"{tag.TAG_MISSING}.<artifact>": Item("why it is without that artifact", {Case.NOT_MADE})
}
CHILD = {tag.TAG_PARENT: Item("id of the run under which it stands")}


def identity(role: str, whose: str = "study") -> dict[str, Item]:
    """The tags by which a run is found."""
    return {
        tag.TAG_STUDY: Item(f"name of the {whose}"),
        tag.TAG_ID: Item(f"of the {whose}, drawn when it is begun"),
        tag.TAG_ROLE: Item(f"`{role}`"),
    }


def environment(case: Case) -> dict[str, Item]:
    """The tags that say where it was computed."""
    return {
        tag.TAG_VERSIONS: Item(
            "of Python and what computes, and variables that choose kernels", {case}
        ),
        tag.TAG_PROCESSOR: Item("type and sets of instructions", {case}),
    }


def settings(*cases: Case) -> dict[str, Item]:
    """A training's params."""
    return {
        "<setting>": Item("every setting of the training, defaults included", {*cases}),
        SEED: Item("of the training"),
    }


def curves(*names: str, says: str = "after each epoch") -> dict[str, Item]:
    """Metrics of each epoch."""
    return {name: Item(says, {Case.TRAINED}, is_measured=True) for name in names}


def of(case: Case, items: dict[str, Item]) -> dict[str, Item]:
    """The same items, in another case."""
    return {name: replace(item, when={case}) for name, item in items.items()}


SCORES = {
    "score": Item("the number that a study maximises, what its space says", {Case.COMPLETE}),
    "score_std": Item("of the folds' scores", {Case.COMPLETE, Case.CROSS_VALIDATED}),
    "fold_<k>_score": Item("of fold k, from 1", {Case.COMPLETE, Case.CROSS_VALIDATED}),
}
SIZE = {"parameters": Item("how many the network has", {Case.NOT_FAILED})}
SECONDS = {"train_seconds": Item("in all epochs of all folds", {Case.RESULT}, is_measured=True)}
TEST = dict.fromkeys(("test_accuracy", "test_loss"), Item("on the test images"))
FIT = dict.fromkeys(("fit_accuracy", "fit_loss"), Item("on its training images, without dropout"))
REGISTERED = {
    "gate.json": Item("its answers to the gate images, or its gate model's"),
    "model_card.md": Item("what it is for, its data, how it does on each class"),
}
LISTED = {CHECKSUMS: Item("of these files, for `sha256sum --check`")}
MODEL = "the network, as `mlflow.keras` and `mlflow.pyfunc` load it, with params and metrics"
