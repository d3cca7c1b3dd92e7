"""Run records: what one MLflow run is to hold, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TAG_STUDY, TAG_TRIAL, TAG_SPACE = "fmsearch.study", "fmsearch.trial", "fmsearch.space"
TAG_ID = "fmsearch.study_id"
TAG_ROLE, TAG_STATE, TAG_ERROR = "fmsearch.role", "fmsearch.state", "fmsearch.error"
TAG_DATA, TAG_IMAGES = "fmsearch.data_sha256", "fmsearch.train_images"
TAG_VERSIONS, TAG_PROCESSOR = "fmsearch.versions", "fmsearch.processor"
TAG_FOLDS, TAG_EPOCHS = "fmsearch.folds", "fmsearch.epochs"
TAG_EXPERIMENT, TAG_SEED = "fmsearch.experiment", "fmsearch.seed"
TAG_CHOSEN, TAG_SEARCHED = "fmsearch.chosen_by", "fmsearch.searched_by"
TAG_BEST = "fmsearch.best_parameters"
TAG_PRUNED, TAG_DUPLICATE, TAG_MODEL = "fmsearch.pruned", "fmsearch.duplicate_of", "fmsearch.model"
TAG_EVALUATED, TAG_MODEL_ID = "fmsearch.evaluated", "fmsearch.model_id"
TAG_RESULT = "fmsearch.result"
TAG_RETRIED = "fmsearch.retried"
ATTEMPT = "attempt"
"""The role of a run of a trial that failed and was tried again."""
TAG_MISSING = "fmsearch.missing"
"""With a dot and the path of an artifact behind it, says why the run is without that artifact."""
TAG_RESTORED = "fmsearch.restored"
"""Says that a run was made anew from the storage, and what it lost."""
TAG_PARENT, TAG_NOTE = "mlflow.parentRunId", "mlflow.note.content"
MOST_TAG_CHARACTERS = 8_000
MOST_PARAM_NAME_CHARACTERS = 250


class Status(Enum):
    """MLflow's run states."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True)
class Metric:
    """One value of a metric.

    Attributes:
        value: Finite.
        step: The epoch, or 0.
        measured_at: Milliseconds since 1970, UTC; equal ones are stored once.
    """

    name: str
    value: float
    step: int
    measured_at: int


@dataclass(frozen=True)
class LoggedModel:
    """A Keras model file and what it takes and gives.

    Attributes:
        file: In Keras' format.
        class_names: Of its probabilities, in their order.
        step: The epoch after which it was saved.
        example: A few images that it takes, uint8 (n, height, width) or with channels behind.
        background: As of `classifier.BACKGROUND`; empty if there is none, as of colours.
        module: Of a user's own model, which is imported before the file is loaded; else empty.
        code: The user's Python files, by their paths below a folder of the import path.
    """

    file: Path
    class_names: tuple[str, ...]
    step: int
    example: npt.NDArray[np.uint8] = field(compare=False)
    background: str = ""
    module: str = ""
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataInput:
    """The data set of a run, as MLflow shows it; `use` is MLflow's word for what it was for."""

    name: str
    sha256: str
    source: str
    profile: Mapping[str, object]
    use: str = "training"


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One MLflow run, whole.

    Attributes:
        identity: Tags that no other run has in this combination, the narrowest last.
        metrics: All values of all metrics.
        status: RUNNING leaves the run open, to be ended by a later record.
        started_at, ended_at: Milliseconds since 1970, UTC.
        artifacts: A folder whose content becomes the run's artifacts.
        model: Logged with the run's name and params, and with the last value of each metric.
        data: Logged as the run's input, and as what the model's metrics were measured on.
        measured: Id of a model that is there already, whose metrics these are; else empty.
    """

    name: str
    identity: Mapping[str, str]
    status: Status
    started_at: int
    ended_at: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    artifacts: Path | None = None
    model: LoggedModel | None = None
    data: DataInput | None = None
    measured: str = ""

    def __post_init__(self) -> None:
        if (self.status is Status.RUNNING) != (self.ended_at is None):
            raise ValueError(f"{self.name} is {self.status.value} and ended at {self.ended_at}")


def tagged(identity: Mapping[str, str]) -> str:
    """MLflow's filter for what has these tags, of which the narrowest is best the last.

    A study is found by its id, where it has one: its name may change. SQLite looks for tags in the
    filter's order: the narrowest first halves the time among 10,000.
    """
    has_id = bool(identity.get(TAG_ID))
    which = {name: value for name, value in identity.items() if name != TAG_STUDY or not has_id}
    terms = [f"tags.`{name}` = '{value}'" for name, value in which.items()]
    return " and ".join(reversed(terms))
