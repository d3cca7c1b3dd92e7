"""The types of the schema: what a kind of run holds, and in which case, in words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Generic, TypeVar

from ...text import one_line
from ...tracking.run_record import TAG_MISSING

log = logging.getLogger(__name__)

S = TypeVar("S")
"""From what the files of a kind of run are made."""


class Case(Enum):
    """What may be so of a run, in words; on it depends what the run holds."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    NOT_FAILED = "not failed"
    DUPLICATE = "a duplicate of another trial"
    RESULT = "with a result of its own"
    IDENTIFIED = "unless an earlier version made it"
    TRAINED = "trained"
    CROSS_VALIDATED = "cross-validated"
    HOLD_OUT = "scored on validation images"
    NOT_BY_ACCURACY = "scored by another metric than accuracy"
    KEEPS_MODELS = "unless `--keep-models none`"
    IS_RIGHT = "scored on validation images, but not by an earlier version"
    REGISTERED = "registered by `register --no-refit`"
    MODEL_DROPPED = "its model was dropped (`--keep-models`)"
    RESTORED = "made anew by the doctor"
    RETRIED = "failed, and tried again by `--retry-failed`"
    NOT_MADE = "it could not be made"

    GRID = "a grid"
    BEST_STAYS = "a grid none of whose trials failed"
    BEST_MAY_CHANGE = "no grid, or one with a failed trial, which may be tried again"
    TRAINING = "a training"
    CHOSEN = "open settings were chosen"
    SCORED = "once a trial is complete"
    COMPARABLE = "once two trials are complete"
    OVER = "once no trial is left"
    BEGUN = "from its begin"
    ENDED = "once it ended or was interrupted"
    FINISHED = "once FINISHED"


class Numbers(Enum):
    """Numbers that a run holds, from which the doctor can make a file again."""

    CONFUSION = "`confusion_matrix.json`"
    CURVES = "the curves"


@dataclass(frozen=True)
class Item:
    """A tag, a param, a metric or a model.

    Attributes:
        says: What it says, in words.
        when: The cases in all of which a run must be to hold it.
        is_measured: Of a metric: whether only the training knows its values. The others follow
            from the storage.
    """

    says: str
    when: Set[Case] = frozenset()
    is_measured: bool = False


@dataclass(frozen=True)
class Artifact(Generic[S]):
    """A file.

    Attributes:
        make: Writes it. The first line of its docstring says what the file shows.
        when: As of an `Item`.
        shows: The numbers that suffice to make it again; None if the run has no such.
    """

    make: Callable[[S, Path], object]
    when: Set[Case] = frozenset()
    shows: Numbers | None = None

    @property
    def says(self) -> str:
        """What it shows, in words."""
        return (self.make.__doc__ or "").partition("\n")[0].rstrip(".")


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[S]):
    """What one kind of run holds, each by its name.

    Attributes:
        about: What there is such a run for, in words.
        artifacts: Each by its path.
        written: What the room of that kind of run writes itself, by path.
        always: Cases in which every such run is.
    """

    about: str
    tags: Mapping[str, Item]
    params: Mapping[str, Item] = field(default_factory=dict)
    metrics: Mapping[str, Item] = field(default_factory=dict)
    artifacts: dict[str, Artifact[S]] = field(default_factory=dict)
    written: Mapping[str, Item] = field(default_factory=dict)
    model: Item | None = None
    always: Set[Case] = frozenset()

    def tags_of(self, values: Mapping[str, str], cases: Set[Case] = frozenset()) -> dict[str, str]:
        """Those of some tags that a run in these cases has.

        Raises:
            KeyError: One is not declared.
        """
        there = cases | self.always
        return {name: value for name, value in values.items() if self.tags[name].when <= there}

    def artifacts_of(self, cases: Set[Case]) -> dict[str, Artifact[S]]:
        """The artifacts that a run in these cases has."""
        there = cases | self.always
        return {path: one for path, one in self.artifacts.items() if one.when <= there}

    def has_model(self, cases: Set[Case]) -> bool:
        """Whether a run in these cases has a model."""
        return self.model is not None and self.model.when <= cases | self.always


@dataclass(frozen=True)
class Made:
    """The artifacts of a run.

    Attributes:
        folder: In which they are.
        missing: The tags that say which could not be made, and why.
    """

    folder: Path
    missing: Mapping[str, str]


def missing_tag(path: str) -> str:
    """The tag that says why a run is without an artifact."""
    return f"{TAG_MISSING}.{path}"


def write(artifacts: Mapping[str, Artifact[S]], source: S, folder: Path) -> Made:
    """Make artifacts, below a folder.

    What cannot be made is left out, so that it keeps nothing else from being shipped.

    Raises:
        OSError: The folder cannot be written: its disk is full, say.
    """
    missing: dict[str, str] = {}
    for path, artifact in artifacts.items():
        if reason := _fault(artifact, source, folder / path):
            log.warning("%s is left out, as it cannot be made: %s", path, reason)
            missing[missing_tag(path)] = reason
    return Made(folder, missing)


def _fault(artifact: Artifact[S], source: S, file: Path) -> str:
    """Why an artifact cannot be made; empty if it was."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        artifact.make(source, file)
    except OSError:
        raise
    except Exception as error:  # whatever a library makes of numbers and names from outside
        file.unlink(missing_ok=True)
        log.info("an artifact cannot be made", exc_info=True)
        return one_line(f"{type(error).__name__}: {error}")
    return ""
