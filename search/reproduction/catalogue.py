"""The published experiments: their results, their open settings, and how each is done again."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from ...errors import FmsearchError
from ...models.families import FAMILIES
from ...models.settings import Value
from ..space.load import load_space, read_space
from ..space.parameters import Point
from ..space.space import Space
from ..space.yaml_document import read_document

FILE = "published.yaml"


@dataclass(frozen=True, kw_only=True)
class Published:
    """The published results of an experiment; None where nothing was published.

    Attributes:
        test_loss: In nats.
        score: Mean accuracy over folds of a grid's best point.
        parameters, trainable: Numbers of the network's parameters.
    """

    test_accuracy: float | None = None
    test_loss: float | None = None
    score: float | None = None
    parameters: int | None = None
    trainable: int | None = None


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One published experiment: a training, or the search of a grid.

    Attributes:
        open: What was not published, and what is chosen instead; for readers.
        model: A model family; empty for a grid, and where `like` is given.
        settings: Settings of the training that are neither defaults nor chosen.
        candidates: Points of open settings; a study on validation images chooses one.
        like: Id of another training, whose settings apply except for these `settings`.
        all_images: Whether it is trained on the validation images, too.
        grid: Name of a built-in space; empty for a training.
        winner: The point that was published as the grid's best one.
    """

    id: str
    title: str
    published: Published
    open: tuple[str, ...] = ()
    model: str = ""
    settings: Mapping[str, Value] = field(default_factory=dict)
    candidates: tuple[Point, ...] = ()
    like: str = ""
    all_images: bool = False
    grid: str = ""
    winner: Point = field(default_factory=dict)

    def __post_init__(self) -> None:
        kinds = [name for name in ("model", "grid", "like") if getattr(self, name)]
        if len(kinds) != 1:
            raise ValueError(f"{self.id} has {kinds}: it is one of a model, a grid or like another")

    @property
    def is_grid(self) -> bool:
        return bool(self.grid)


@dataclass(frozen=True)
class Catalogue:
    """All published experiments, in their order."""

    experiments: tuple[Experiment, ...]

    def __getitem__(self, wanted: str) -> Experiment:
        """The experiment with an id.

        Raises:
            FmsearchError: There is none.
        """
        found = self.find(wanted)
        if found is None:
            known = [one.id for one in self.experiments]
            near = difflib.get_close_matches(wanted, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise FmsearchError(f"no published experiment {wanted!r}; {hint}")
        return found

    def find(self, wanted: str) -> Experiment | None:
        """The experiment with an id, or None."""
        return next((one for one in self.experiments if one.id == wanted), None)

    def select(self, only: Sequence[str]) -> tuple[Experiment, ...]:
        """The experiments with these ids, in the catalogue's order; all if no id is given."""
        wanted = [self[one] for one in only] or self.experiments
        return tuple(one for one in self.experiments if one in wanted)

    def origin(self, experiment: Experiment) -> Experiment:
        """The training that an experiment is like, with its chosen settings; usually itself."""
        return self[experiment.like] if experiment.like else experiment

    def model(self, experiment: Experiment) -> str:
        """The model family of a training."""
        return self.origin(experiment).model

    def settings(self, experiment: Experiment, chosen: Point) -> dict[str, Value]:
        """All settings of a training, including the `chosen` settings of its origin."""
        origin = self.origin(experiment)
        own = experiment.settings if experiment.like else {}
        return FAMILIES[origin.model].complete({**origin.settings, **chosen, **own})


def load_catalogue(most_epochs: int | None = None) -> Catalogue:
    """Read `published.yaml`; for a rehearsal, `most_epochs` limits the epochs of each training."""
    text = (resources.files(__package__) / FILE).read_text("utf-8")
    return Catalogue(tuple(_read(entry, most_epochs) for entry in read_document(text, FILE)))


def _read(entry: Mapping[str, Any], most_epochs: int | None) -> Experiment:
    fields = {**entry, "published": Published(**entry["published"])}
    fields |= {name: tuple(entry[name]) for name in ("open", "candidates") if name in entry}
    for name in ("settings", "winner"):
        if most_epochs and "epochs" in entry.get(name, {}):
            fields[name] = {**entry[name], "epochs": min(entry[name]["epochs"], most_epochs)}
    return Experiment(**fields)


def choice_space(experiment: Experiment) -> Space:
    """The space of the study that chooses among an experiment's candidates, its trials."""
    candidates = experiment.candidates
    names = dict.fromkeys(name for one in candidates for name in one)
    return _written(
        {
            "name": f"{experiment.id}_open",
            "about": f"The settings of {experiment.id} that were not published.",
            "model": experiment.model,
            "engine": "optuna",
            "sampler": "random",
            "pruner": "none",
            "score": {"by": "validation"},
            "trials": len(candidates),
            "fixed": dict(experiment.settings),
            "parameters": {name: _distinct(one[name] for one in candidates) for name in names},
            "published": [dict(one) for one in candidates],
        }
    )


def grid_space(experiment: Experiment) -> Space:
    """The space of a grid, with at most as many epochs as the experiment's winner."""
    document = dict(read_document(load_space(experiment.grid).text, experiment.grid))
    most = int(experiment.winner["epochs"])
    epochs = _distinct(min(one, most) for one in document["parameters"]["epochs"])
    document["parameters"] = {**document["parameters"], "epochs": epochs}
    return _written(document)


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _written(document: Mapping[str, Any]) -> Space:
    import yaml

    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
    return read_space(text, str(document["name"]))
