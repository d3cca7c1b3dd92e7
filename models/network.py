"""A network with its optimizer, and one epoch of its training as one compiled graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import FmsearchError
from .augmentation import gather_augmented
from .confusion import accuracy_of
from .data import Images
from .dropout import Dropout, rates_of
from .families import Family
from .normalization import fuse_batch_normalization
from .optimizers import Optimizer
from .own_code import OwnCode
from .pooling import rectify_after_pooling
from .quiet_tensorflow import keras, tf
from .randomness import seed_everything, unseeded_randomness
from .settings import Value
from .split import Rows

EVALUATION_BATCH = 500

Variables = tuple[npt.NDArray[np.generic], ...]
Answers = tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Evaluation:
    """How well a network classifies some images.

    Attributes:
        loss: Mean categorical cross-entropy, in nats.
        confusion: int64, (classes, classes): rows are true classes, columns predicted ones.
        right: bool, (n,), whether each image's most probable class is the true one.
        answers: The true class of each image, int32 (n,), and the probabilities that it got,
            float32 (n, classes); None where they were not asked for.
    """

    loss: float
    confusion: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]
    answers: Answers | None = None

    @property
    def accuracy(self) -> float:
        """Share of the images whose most probable class is the true one."""
        return accuracy_of(self.confusion)

    @property
    def known_answers(self) -> Answers:
        """The answers, of an evaluation that was asked for them."""
        if self.answers is None:
            raise ValueError("the evaluation was made without probabilities")
        return self.answers


def use_one_thread() -> None:
    """Make TensorFlow compute in one thread and log errors only; call this before any operation.

    One thread adds numbers in one order, so that results are equal to the last bit. All cores are
    used by running several trainers.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel("ERROR")


def _tensor(pixels: npt.NDArray[np.uint8]) -> tf.Tensor:
    """Pixels as a tensor; what is mapped from a file is not copied, so that trainers share it."""
    if isinstance(pixels, np.memmap):
        return tf.experimental.dlpack.from_dlpack(pixels.__dlpack__())
    return tf.constant(pixels)


class Pixels:
    """All training images of a data set as one tensor; folds are row numbers of it."""

    def __init__(self, images: Images, classes: int) -> None:
        self.pixels = _tensor(images.pixels)
        self.labels = tf.constant(images.labels)
        self.image_shape = images.pixels.shape[1:]
        self.classes = classes

    def __len__(self) -> int:
        return int(self.labels.shape[0])


class Network:
    """A model and its optimizer, traced once and used for any number of fits.

    `initialize` and `restore` set all variables, so that no fit influences the next one, and all
    share one graph.

    Attributes:
        model: The Keras model, with its current weights.
        settings: All settings of the training. They may be replaced by settings with an equal
            `Family.graph`, which the next `initialize` uses.
    """

    def __init__(self, data: Pixels, family: Family, settings: Mapping[str, Value]) -> None:
        """Build it.

        Raises:
            FmsearchError: A user's own code fails, or draws random numbers that no seed sets.
        """
        self._data = data
        self._family = family
        self.settings = settings
        seed_everything(family, 0)  # what is drawn while it is traced is the same in all trainers
        self.model = self._build()
        self._optimizer = Optimizer(self.model.trainable_variables, settings)
        fuse_batch_normalization(self.model)
        rectify_after_pooling(self.model)
        self._dropout = Dropout(self.model, self._optimizer.iterations)
        self._smoothing = tf.Variable(0.0, trainable=False)
        self._shift = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._erase = tf.Variable(0.0, trainable=False)
        self._class_weights = tf.Variable(tf.ones([data.classes]), trainable=False)
        rows = tf.TensorSpec([None], tf.int32)
        self._train = tf.function(
            self._train_graph, input_signature=[rows, tf.TensorSpec([2], tf.int32)]
        )
        self._evaluate = tf.function(self._evaluate_graph, input_signature=[rows])
        self._answer = tf.function(self._answer_graph, input_signature=[rows])
        if not family.draws_by_keras:
            self._check_seeded()

    def _check_seeded(self) -> None:
        variables = [getattr(one, "value", one) for one in self._variables]
        for function in (self._train, self._evaluate):
            if reason := unseeded_randomness(function.get_concrete_function(), variables):
                raise FmsearchError(reason)

    def _build(self) -> keras.Model:
        return self._family.make(self._data.image_shape, self._data.classes, self.settings)

    @property
    def _variables(self) -> list[keras.Variable | tf.Variable]:
        ours = [self._smoothing, self._shift, self._erase, *self._dropout.variables]
        if self._is_weighted:  # else states are as earlier versions stored them
            ours.append(self._class_weights)
        return [*self.model.variables, *self._optimizer.variables, *ours]

    @property
    def _is_weighted(self) -> bool:
        return self.settings["class_weight"] == "balanced"

    def initialize(self, seed: int, rows: Rows, epochs: int) -> None:
        """Set new weights, drawn by the layers' own initializers.

        Args:
            seed: In [0, 2**31); determines weights and dropout.
            rows: Those that are to be trained on.
            epochs: Number of epochs of the fit, for the learning rate schedule.
        """
        seed_everything(self._family, seed)
        fresh = self._build()
        for variable, value in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(value)
        self._optimizer.begin(self.settings, -(-len(rows) // self._batch_size), epochs)
        self._dropout.set(seed, rates_of(fresh))
        self._smoothing.assign(float(self.settings["label_smoothing"]))
        self._shift.assign(int(self.settings["shift"]))
        self._erase.assign(float(self.settings["erase"]))
        if self._is_weighted:
            self._class_weights.assign(self._balanced(rows))

    def _balanced(self, rows: Rows) -> npt.NDArray[np.float32]:
        """The weight of each class, that of scikit-learn's `compute_class_weight`; float32."""
        counts = np.bincount(self._data.labels.numpy()[rows], minlength=self._data.classes)
        there = np.count_nonzero(counts)
        return np.asarray(len(rows) / (there * np.maximum(counts, 1)), np.float32)

    @property
    def _batch_size(self) -> int:
        return int(self.settings["batch_size"])

    def state(self) -> Variables:
        """Copies of all variables: weights, random states of layers, the optimizer's state."""
        return tuple(np.array(variable.numpy()) for variable in self._variables)

    def restore(self, state: Variables) -> None:
        """Set a state that `state` returned, in this process or in another one."""
        for variable, value in zip(self._variables, state, strict=True):
            variable.assign(value)
        self._dropout.label(rates_of(self._build()))

    def weights(self) -> Variables:
        """Copies of the model's weights, in the order of `keras.Model.get_weights`."""
        return tuple(self.model.get_weights())

    @property
    def code(self) -> OwnCode | None:
        """The code that travels with a user's own model."""
        return self._family.code

    @property
    def trainable_parameters(self) -> int:
        """Number of the model's parameters that training changes."""
        return sum(math.prod(variable.shape) for variable in self.model.trainable_variables)

    def summary(self) -> str:
        """Keras' summary: layers, their output shapes and numbers of parameters."""
        lines: list[str] = []
        self.model.summary(print_fn=lines.append, line_length=80)
        return "\n".join(lines) + "\n"

    def train_epoch(self, rows: Rows, seed: int, epoch: int) -> tuple[float, float]:
        """Train on every row once, in an order that depends on (seed, epoch) alone.

        Returns:
            Mean loss (nats) and accuracy over the epoch's images, measured in training mode
            before the step on each batch, as Keras' `fit` reports them.
        """
        order = tf.constant([seed, epoch], tf.int32)
        loss, correct = self._train(tf.constant(rows), order)
        return float(loss) / len(rows), int(correct) / len(rows)

    def evaluate(self, rows: Rows, *, with_answers: bool = False) -> Evaluation:
        """Evaluate the model on the images of `rows`, in inference mode.

        Args:
            with_answers: Whether the evaluation has the probabilities, too; its other numbers are
                the same to the last bit.
        """
        if not with_answers:
            loss, confusion, right = self._evaluate(tf.constant(rows))
            return Evaluation(float(loss) / len(rows), confusion.numpy(), right.numpy())
        loss, confusion, probabilities = self._answer(tf.constant(rows))
        labels, given = self._data.labels.numpy()[rows], probabilities.numpy()
        right = given.argmax(axis=1) == labels
        return Evaluation(float(loss) / len(rows), confusion.numpy(), right, (labels, given))

    def predict(self, rows: Rows) -> Rows:
        """The most probable class of each image of `rows`, int32 (n,), in inference mode."""
        batches = np.split(rows, np.arange(EVALUATION_BATCH, len(rows), EVALUATION_BATCH))
        return np.concatenate([_predicted(self.model(self._images(one))) for one in batches])

    def _train_graph(self, rows: tf.Tensor, order: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.size(rows)
        rows = tf.gather(rows, tf.argsort(tf.random.stateless_uniform([count], order)))
        augments = any(self.settings[name] for name in ("flip", "shift", "erase"))
        variables = [variable.value for variable in self.model.trainable_variables]
        total, correct = tf.constant(0.0), tf.constant(0)
        for start in tf.range(0, count, self._batch_size):
            batch = rows[start : tf.minimum(start + self._batch_size, count)]
            images = self._augmented(batch, order) if augments else self._images(batch)
            labels = tf.gather(self._data.labels, batch)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                probabilities = self.model(images, training=True)
                losses = self._losses(labels, probabilities)
                loss = tf.reduce_mean(losses)
                if self.model.losses:  # regularizers of a user's own model
                    loss += tf.add_n(self.model.losses)
            self._optimizer.step(tape.gradient(loss, variables))
            total += tf.reduce_sum(losses)
            correct += tf.reduce_sum(tf.cast(_predicted(probabilities) == labels, tf.int32))
        return total, correct

    def _evaluate_graph(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        count, classes = tf.size(rows), self._data.classes
        total, confusion = tf.constant(0.0), tf.zeros([classes * classes], tf.int64)
        batches = -(-count // EVALUATION_BATCH)
        right = tf.TensorArray(tf.bool, batches, infer_shape=False, element_shape=[None])
        for start in tf.range(0, count, EVALUATION_BATCH):
            batch = rows[start : tf.minimum(start + EVALUATION_BATCH, count)]
            loss, cells, _, correct = self._evaluated(batch)
            total += loss
            confusion += cells
            right = right.write(start // EVALUATION_BATCH, correct)
        return total, tf.reshape(confusion, [classes, classes]), right.concat()

    def _answer_graph(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The same, with the probabilities."""
        count, classes = tf.size(rows), self._data.classes
        total, confusion = tf.constant(0.0), tf.zeros([classes * classes], tf.int64)
        batches = -(-count // EVALUATION_BATCH)
        answers = tf.TensorArray(
            tf.float32, batches, infer_shape=False, element_shape=[None, classes]
        )
        for start in tf.range(0, count, EVALUATION_BATCH):
            batch = rows[start : tf.minimum(start + EVALUATION_BATCH, count)]
            loss, cells, probabilities, _ = self._evaluated(batch)
            total += loss
            confusion += cells
            answers = answers.write(start // EVALUATION_BATCH, probabilities)
        return total, tf.reshape(confusion, [classes, classes]), answers.concat()

    def _evaluated(self, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Of a batch the loss, the counts of cells, the probabilities, and what is right."""
        cells = self._data.classes**2
        labels = tf.gather(self._data.labels, batch)
        probabilities = self.model(self._images(batch), training=False)
        losses = keras.ops.sparse_categorical_crossentropy(labels, probabilities)
        predicted = _predicted(probabilities)
        cell = labels * self._data.classes + predicted
        counts = tf.math.bincount(cell, minlength=cells, maxlength=cells, dtype=tf.int64)
        return tf.reduce_sum(losses), counts, probabilities, predicted == labels

    def _images(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.gather(self._data.pixels, rows)

    def _augmented(self, rows: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
        return gather_augmented(
            self._data.pixels,
            rows,
            tf.stack([order[0], tf.cast(self._optimizer.iterations, tf.int32)]),
            flip=bool(self.settings["flip"]),
            shift=self._shift if self.settings["shift"] else None,
            erase=self._erase if self.settings["erase"] else None,
        )

    def _losses(self, labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        """Cross-entropy of each image, in nats, with weights if the settings say so."""
        losses = self._cross_entropies(labels, probabilities)
        if self._is_weighted:
            losses *= tf.gather(self._class_weights, labels)
        return losses

    def _cross_entropies(self, labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        """With smoothed labels if the settings say so."""
        if not self.settings["label_smoothing"]:
            return keras.ops.sparse_categorical_crossentropy(labels, probabilities)
        classes = self._data.classes
        truth = tf.one_hot(labels, classes) * (1 - self._smoothing) + self._smoothing / classes
        return keras.ops.categorical_crossentropy(truth, probabilities)


def _predicted(probabilities: tf.Tensor) -> tf.Tensor:
    return tf.argmax(probabilities, axis=-1, output_type=tf.int32)
