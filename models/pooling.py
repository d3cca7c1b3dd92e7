"""The relu before a max pooling, computed after it, on a quarter of the values.

The largest of rectified values is the rectified largest value, and so is its gradient, so that all
numbers are the same to the last bit. The layers are still Keras' own, and are saved, loaded and
summarized as such; only their computation is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .quiet_tensorflow import keras, tf


def rectify_after_pooling(model: keras.Model) -> None:
    """Let each max pooling rectify, in place of a relu before it whose values nobody else takes."""
    for pooling, rectifier in list(_pairs(model)):
        if type(rectifier) is keras.layers.ReLU:
            rectifier.call = lambda inputs: inputs
        else:
            rectifier.call = _without_activation(rectifier)
        pooling.call = _rectified(pooling.call)


def _pairs(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, keras.layers.Layer]]:
    # The layers of a class of one's own stand in no graph: it has no outputs.
    outputs = {id(one._keras_history.operation) for one in getattr(model, "outputs", ())}
    if not outputs:
        return
    for pooling in model._flatten_layers(include_self=False):
        if type(pooling) is not keras.layers.MaxPooling2D or len(pooling._inbound_nodes) != 1:
            continue
        (before,) = pooling._inbound_nodes[0].input_tensors
        rectifier = before._keras_history.operation
        is_alone = len(rectifier._inbound_nodes) == len(rectifier._outbound_nodes) == 1
        if is_alone and id(rectifier) not in outputs and _is_relu(rectifier):
            yield pooling, rectifier


def _is_relu(layer: keras.layers.Layer) -> bool:
    if type(layer) is keras.layers.ReLU:
        return layer.max_value is None and not layer.negative_slope and not layer.threshold
    return type(layer) is keras.layers.Conv2D and layer.activation is keras.activations.relu


def _without_activation(layer: keras.layers.Conv2D) -> Callable[..., tf.Tensor]:
    composed = layer.call

    def call(inputs: tf.Tensor) -> tf.Tensor:
        activation, layer.activation = layer.activation, None
        try:
            return composed(inputs)
        finally:
            layer.activation = activation

    return call


def _rectified(composed: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    return lambda inputs: tf.nn.relu(composed(inputs))
