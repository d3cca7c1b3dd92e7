"""Metrics: what a score measures, by scikit-learn's functions; of every metric more is better.

To add one, write an entry of `METRICS`.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import FmsearchError

if TYPE_CHECKING:
    from .network import Evaluation

ACCURACY = "accuracy"


@dataclass(frozen=True)
class Metric:
    """What a score measures.

    Attributes:
        words: What it is called in a sentence.
        value: The metric of an evaluation, as scikit-learn computes it.
        of_probabilities: Whether it wants the evaluation with probabilities.
        low, high: Between which values it lies, both included.
        fewest_classes: With fewer it says nothing.
        fewest_scored: So many classes must be among the images of each evaluation; None for all.
    """

    words: str
    value: Callable[[Evaluation], object]
    of_probabilities: bool = False
    low: float = 0.0
    high: float = 1.0
    fewest_classes: int = 2
    fewest_scored: int | None = 1

    def of(self, evaluation: Evaluation) -> float:
        """The metric of an evaluation.

        Raises:
            FmsearchError: It fails, or gives no finite number.
        """
        try:
            with warnings.catch_warnings():  # scikit-learn's, of classes that nothing is taken for
                warnings.simplefilter("ignore")
                value: Any = self.value(evaluation)
        except MemoryError:
            raise
        except Exception as error:  # a user's code may raise anything
            raise FmsearchError(f"{self.words}: {type(error).__name__}: {error}") from error
        if not isinstance(value, (int, float, np.integer, np.floating)):
            raise FmsearchError(f"{self.words}: it gives {value!r}, not a number")
        if not math.isfinite(value):
            raise FmsearchError(f"{self.words}: it gives {value}, no finite number")
        return float(value)

    def fault(self, classes: int, scored: int) -> str:
        """Why it cannot be had of a data set; empty if it can.

        Args:
            classes: Of the data set.
            scored: How many of them are among the images of an evaluation.
        """
        if classes < self.fewest_classes:
            return f"wants {self.fewest_classes} classes at least, and the data have {classes}"
        fewest = classes if self.fewest_scored is None else self.fewest_scored
        if scored < fewest:
            which = "all" if self.fewest_scored is None else "two"
            return (
                f"wants images of {which} classes wherever it is computed, and somewhere there "
                f"would be {scored} of {classes}"
            )
        return ""


def _of_classes(function: str, **options: object) -> Callable[[Evaluation], object]:
    """A function of scikit-learn's that takes true and predicted classes."""

    def value(evaluation: Evaluation) -> object:
        from sklearn import metrics  # 1.3 s of CPU: not for --help

        counts = evaluation.confusion
        true, predicted = (np.repeat(cells, counts.ravel()) for cells in np.indices(counts.shape))
        return getattr(metrics, function)(true, predicted, **options)

    return value


def _of_probabilities(
    function: str, sign: int = 1, **options: object
) -> Callable[[Evaluation], object]:
    """A function of scikit-learn's that takes true classes and probabilities."""

    def value(evaluation: Evaluation) -> object:
        from sklearn import metrics  # 1.3 s of CPU: not for --help

        labels, probabilities = evaluation.known_answers
        known = np.arange(probabilities.shape[1])
        return sign * getattr(metrics, function)(labels, probabilities, labels=known, **options)

    return value


def _roc_auc(evaluation: Evaluation) -> object:
    from sklearn.metrics import roc_auc_score  # 1.3 s of CPU: not for --help

    labels, probabilities = evaluation.known_answers
    if probabilities.shape[1] == 2:  # scikit-learn wants those of the second class alone
        return roc_auc_score(labels, probabilities[:, 1])
    return roc_auc_score(labels, probabilities, multi_class="ovr")


METRICS: dict[str, Metric] = {
    ACCURACY: Metric("accuracy", lambda evaluation: evaluation.accuracy),
    "balanced_accuracy": Metric("balanced accuracy", _of_classes("balanced_accuracy_score")),
    "macro_f1": Metric("macro F1", _of_classes("f1_score", average="macro")),
    "weighted_f1": Metric("weighted F1", _of_classes("f1_score", average="weighted")),
    "roc_auc_ovr": Metric(
        "ROC AUC, one class against the rest", _roc_auc, of_probabilities=True, fewest_scored=None
    ),
    "log_loss": Metric(
        "negated log loss",
        _of_probabilities("log_loss", sign=-1),
        of_probabilities=True,
        low=-math.inf,
        high=0.0,
    ),
    "cohen_kappa": Metric(
        "Cohen's kappa", _of_classes("cohen_kappa_score"), low=-1.0, fewest_scored=2
    ),
    "top_3_accuracy": Metric(
        "top 3 accuracy",
        _of_probabilities("top_k_accuracy_score", k=3),
        of_probabilities=True,
        fewest_classes=4,
    ),
}


def find_metric(name: str) -> Metric:
    """A metric of `METRICS` by name, or a user's own function as `package.module:function`.

    It is called as `function(labels, probabilities)`, with the true classes, int32 (n,), and what
    the network gives, float32 (n, classes). Its code is loaded when it is first called.
    """
    if name in METRICS:
        return METRICS[name]
    return Metric(name, _OwnMetric(name), of_probabilities=True, low=-math.inf, high=math.inf)


@dataclass(frozen=True)
class _OwnMetric:
    """A user's function, by name."""

    name: str

    def __call__(self, evaluation: Evaluation) -> object:
        module, _, function = self.name.partition(":")
        compute: Callable[..., object] = getattr(importlib.import_module(module), function)
        labels, probabilities = evaluation.known_answers
        return compute(labels.copy(), probabilities.copy())


def try_metric(metric: Metric, labels: npt.NDArray[np.int32], classes: int) -> None:
    """Compute a metric of answers that are drawn at random, to see that it can be computed.

    Args:
        labels: int32, (n,), true classes.

    Raises:
        FmsearchError: It cannot.
    """
    from .network import Evaluation  # loads TensorFlow: in trainers only

    draw = np.random.default_rng(0)
    probabilities = draw.dirichlet(np.ones(classes), len(labels)).astype(np.float32)
    predicted = probabilities.argmax(axis=1)
    counts = np.bincount(labels * classes + predicted, minlength=classes**2)
    counts = counts.reshape(classes, classes)
    metric.of(Evaluation(1.0, counts, predicted == labels, (labels, probabilities)))
