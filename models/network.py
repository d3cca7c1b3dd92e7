"""A network with its optimizer, and one epoch of its training as one compiled graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .backend import keras, tf
from .data import Images
from .dropout import Dropout, rates_of
from .families import FAMILIES
from .optimizers import make_optimizer
from .settings import Value
from .split import Rows

EVALUATION_BATCH = 500

Variables = tuple[npt.NDArray[np.generic], ...]


@dataclass(frozen=True)
class Evaluation:
    """A network's answers to some images.

    Attributes:
        loss: Mean categorical cross-entropy, in nats.
        confusion: int64, (classes, classes): rows are true classes, columns predicted ones.
    """

    loss: float
    confusion: npt.NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of the images whose most probable class is the true one."""
        return float(np.trace(self.confusion) / self.confusion.sum())


def use_one_thread() -> None:
    """Let TensorFlow compute in one thread, and be silent; before its first operation.

    One thread makes sums come in one order, and so results equal to the last bit; the cores
    are used by running several trainers.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel("ERROR")


class Pixels:
    """All images of a data set's training part as one tensor; folds are row numbers into it."""

    def __init__(self, images: Images, classes: int) -> None:
        self.pixels = tf.constant(images.pixels)
        self.labels = tf.constant(images.labels)
        self.image_shape = images.pixels.shape[1:]
        self.classes = classes


class Network:
    """A model and its optimizer, traced once and used for any number of fits.

    What a fit needs of them, their variables, is set by `initialize` or `restore`, so that
    no fit leaves anything to the next one, and none builds a graph of its own.

    Attributes:
        model: The Keras model, with the weights of the moment.
        architecture: The settings from which `initialize` builds. It may be replaced by one
            with an equal `Family.graph`.
    """

    def __init__(
        self,
        data: Pixels,
        family: str,
        architecture: Mapping[str, Value],
        batch_size: int,
        optimizer: str,
    ) -> None:
        self._data = data
        self._family = family
        self.architecture = architecture
        self._batch_size = batch_size
        self.model = self._build()
        self._optimizer, self._step = make_optimizer(optimizer, self.model.trainable_variables)
        self._dropout = Dropout(self.model, self._optimizer.iterations)
        self._fresh_state = [variable.numpy() for variable in self._optimizer.variables]
        rows = tf.TensorSpec([None], tf.int32)
        self._train = tf.function(
            self._train_graph, input_signature=[rows, tf.TensorSpec([2], tf.int32)]
        )
        self._evaluate = tf.function(self._evaluate_graph, input_signature=[rows])

    def _build(self) -> keras.Model:
        build = FAMILIES[self._family].build
        return build(self._data.image_shape, self._data.classes, **self.architecture)

    @property
    def _variables(self) -> list[keras.Variable | tf.Variable]:
        return [*self.model.variables, *self._optimizer.variables, *self._dropout.variables]

    def initialize(self, seed: int) -> None:
        """Set fresh weights, drawn from `seed` by the layers' own initializers."""
        keras.utils.set_random_seed(seed)
        fresh = self._build()
        self._dropout.set(seed, rates_of(fresh))
        masks = [variable.numpy() for variable in self._dropout.variables]
        weights = [variable.numpy() for variable in fresh.variables]
        self.restore((*weights, *self._fresh_state, *masks))

    def state(self) -> Variables:
        """Copies of all variables: weights, random states of layers, the optimizer's state."""
        return tuple(np.array(variable.numpy()) for variable in self._variables)

    def restore(self, state: Variables) -> None:
        """Go back to a state that `state` gave, in this process or in another one."""
        for variable, value in zip(self._variables, state, strict=True):
            variable.assign(value)

    def weights(self) -> Variables:
        """Copies of the model's weights, as `keras.Model.get_weights` orders them."""
        return tuple(self.model.get_weights())

    def summary(self) -> str:
        """Keras' summary: layers, their output shapes and numbers of parameters."""
        lines: list[str] = []
        self.model.summary(print_fn=lines.append, line_length=80)
        return "\n".join(lines) + "\n"

    def train_epoch(self, rows: Rows, seed: int, epoch: int) -> tuple[float, float]:
        """Train on every row once, in an order that depends on (seed, epoch) alone.

        Returns:
            Mean loss (nats) and accuracy over the epoch's images, each measured in training
            mode just before the step that it led to, as Keras' `fit` reports them.
        """
        order = tf.constant([seed, epoch], tf.int32)
        loss, correct = self._train(tf.constant(rows), order)
        return float(loss) / len(rows), int(correct) / len(rows)

    def evaluate(self, rows: Rows) -> Evaluation:
        """Answers to the images of `rows`, in inference mode."""
        loss, confusion = self._evaluate(tf.constant(rows))
        return Evaluation(float(loss) / len(rows), confusion.numpy())

    def _train_graph(self, rows: tf.Tensor, order: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.size(rows)
        rows = tf.gather(rows, tf.argsort(tf.random.stateless_uniform([count], order)))
        variables = [variable.value for variable in self.model.trainable_variables]
        total, correct = tf.constant(0.0), tf.constant(0)
        for start in tf.range(0, count, self._batch_size):
            batch = rows[start : tf.minimum(start + self._batch_size, count)]
            images, labels = self._gather(batch)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                probabilities = self.model(images, training=True)
                losses = keras.ops.sparse_categorical_crossentropy(labels, probabilities)
                loss = tf.reduce_mean(losses)
            self._step(tape.gradient(loss, variables))
            total += tf.reduce_sum(losses)
            correct += tf.reduce_sum(tf.cast(_predicted(probabilities) == labels, tf.int32))
        return total, correct

    def _evaluate_graph(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count, classes = tf.size(rows), self._data.classes
        total, confusion = tf.constant(0.0), tf.zeros([classes * classes], tf.int64)
        for start in tf.range(0, count, EVALUATION_BATCH):
            images, labels = self._gather(rows[start : tf.minimum(start + EVALUATION_BATCH, count)])
            probabilities = self.model(images, training=False)
            losses = keras.ops.sparse_categorical_crossentropy(labels, probabilities)
            total += tf.reduce_sum(losses)
            cells = labels * classes + _predicted(probabilities)
            confusion += tf.math.bincount(
                cells, minlength=classes * classes, maxlength=classes * classes, dtype=tf.int64
            )
        return total, tf.reshape(confusion, [classes, classes])

    def _gather(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(self._data.pixels, rows), tf.gather(self._data.labels, rows)


def _predicted(probabilities: tf.Tensor) -> tf.Tensor:
    return tf.argmax(probabilities, axis=-1, output_type=tf.int32)
