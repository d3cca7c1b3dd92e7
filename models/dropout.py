"""Dropout masks at half the cost, with a rate that can change without a new graph.

Keras' `Dropout` draws 32 random bits for each unit, and its rate is a constant of the graph. Here a
unit takes 16 bits of a Philox stream (Salmon et al. 2011), so that rates are exact to 1/65536, and
the rate is a variable. The layers are still Keras' own, and are saved, loaded and summarized as
such; only their computation in training mode is replaced.
"""

from __future__ import annotations

from collections.abc import Sequence

from .quiet_tensorflow import keras, tf

LEVELS = 2**16
PHILOX = 1


class Dropout:
    """The dropout layers of one model.

    A mask depends only on the seed, the training step and the layer's position in the model.
    """

    def __init__(self, model: keras.Model, step: tf.Variable) -> None:
        """Replace what the model's dropout layers compute in training mode.

        Args:
            model: Any Keras model. A layer with a `noise_shape` draws one number for all units
                that share it, such as all of an image.
            step: int64, (), the number of training steps so far.
        """
        self._layers = _dropout_layers(model)
        self._step = step
        self._seed = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._thresholds = [
            tf.Variable(_threshold(layer.rate), dtype=tf.int32, trainable=False)
            for layer in self._layers
        ]
        for index, layer in enumerate(self._layers):
            layer.call = self._make_call(index)

    @property
    def variables(self) -> list[tf.Variable]:
        """The state of the masks: seed and rates."""
        return [self._seed, *self._thresholds]

    def set(self, seed: int, rates: Sequence[float]) -> None:
        """Begin a fit with this seed and one rate for each layer, in the order of `rates_of`."""
        self._seed.assign(seed)
        for threshold, rate in zip(self._thresholds, rates, strict=True):
            threshold.assign(_threshold(rate))
        self.label(rates)

    def label(self, rates: Sequence[float]) -> None:
        """Set the rates that the layers' saved configurations have."""
        for layer, rate in zip(self._layers, rates, strict=True):
            layer.rate = rate

    def _make_call(self, index: int) -> object:
        def call(inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
            if not training:
                return inputs
            shape = _noise_shape(self._layers[index], inputs)
            return inputs * self._mask(index, shape, inputs.dtype)

        return call

    def _mask(self, index: int, shape: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        """1 / (1 - rate) for a unit that is kept, else 0."""
        count = tf.reduce_prod(shape)
        bits = tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[(count + 1) // 2],
            key=tf.reshape(tf.cast(self._seed, tf.uint64), [1]),
            # The lower word counts the numbers within a mask; the upper one differs between masks.
            counter=tf.stack(
                [tf.constant(0, tf.uint64), tf.cast(self._step * 1024 + index, tf.uint64)]
            ),
            alg=PHILOX,
            dtype=tf.uint32,
        )
        levels = tf.reshape(tf.bitcast(bits, tf.uint16), [-1])[:count]
        threshold = self._thresholds[index]
        kept = levels >= tf.cast(threshold, tf.uint16)
        scale = LEVELS / (LEVELS - tf.cast(threshold, tf.float64))
        return tf.reshape(tf.cast(kept, dtype) * tf.cast(scale, dtype), shape)


def rates_of(model: keras.Model) -> list[float]:
    """The rates of a model's dropout layers, in the order of its layers."""
    return [float(layer.rate) for layer in _dropout_layers(model)]


def _dropout_layers(model: keras.Model) -> list[keras.layers.Dropout]:
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if type(layer) is keras.layers.Dropout
    ]


def _noise_shape(layer: keras.layers.Dropout, inputs: tf.Tensor) -> tf.Tensor:
    """Int32, (rank,): the shape of a layer's mask, which may be broadcast."""
    shape = tf.shape(inputs)
    if layer.noise_shape is None:
        return shape
    given = zip(layer.noise_shape, tf.unstack(shape), strict=True)
    return tf.stack([size if fixed is None else fixed for fixed, size in given])


def _threshold(rate: float) -> int:
    return min(round(rate * LEVELS), LEVELS - 1)
