"""Optimizers: one step as one fused TensorFlow kernel per variable.

The kernels `ResourceApply…` compute the formulas of Keras' optimizers in one pass over memory.
Keras' own `Optimizer.apply` inside a `tf.function` is slower (for the published MLP the whole
training step takes 1.2 times as long) and leaks several MB for each fit. The hyperparameters are
variables, so that trainings that differ only in them share one compiled graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .quiet_tensorflow import keras, tf
from .settings import Value

EPSILON = 1e-7  # Keras' default for all of them
BETA_1, BETA_2 = 0.9, 0.999  # Kingma & Ba 2015
RHO = 0.9


class Optimizer:
    """An optimizer's state, and its step with a learning rate schedule."""

    def __init__(self, variables: Sequence[keras.Variable], settings: Mapping[str, Value]) -> None:
        """Create the state; `begin` sets it.

        Args:
            variables: What is optimized.
            settings: All settings of a training. `optimizer`, `schedule` and whether there is a
                `weight_decay` are compiled into the graph; `begin` sets the others.
        """
        self._kernel = KERNELS[str(settings["optimizer"])]
        self._cosine = settings["schedule"] == "cosine"
        self._decays = bool(settings["weight_decay"])
        self._targets = [
            _Target(variable, [_zeros(variable) for _ in range(self._kernel.slots)])
            for variable in variables
        ]
        self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False)
        names = ("learning_rate", "momentum", "weight_decay", "warmup_steps", "steps")
        self._hyper = {name: tf.Variable(0.0, trainable=False, name=name) for name in names}

    @property
    def variables(self) -> list[tf.Variable]:
        """All variables on which later steps depend."""
        slots = [slot for target in self._targets for slot in target.slots]
        return [self.iterations, *self._hyper.values(), *slots]

    def begin(self, settings: Mapping[str, Value], steps_per_epoch: int, epochs: int) -> None:
        """Reset the state for a fit of `epochs` epochs with the hyperparameters of `settings`."""
        for variable in self.variables:
            variable.assign(tf.zeros_like(variable))
        for name in ("learning_rate", "momentum", "weight_decay"):
            self._hyper[name].assign(float(settings[name]))
        self._hyper["warmup_steps"].assign(float(int(settings["warmup_epochs"]) * steps_per_epoch))
        self._hyper["steps"].assign(float(epochs * steps_per_epoch))

    def rate(self) -> tf.Tensor:
        """The learning rate of the next step, float32, ()."""
        peak, warmup = self._hyper["learning_rate"], self._hyper["warmup_steps"]
        step = tf.cast(self.iterations, tf.float32)
        if not self._cosine:
            return peak * tf.minimum(1.0, (step + 1) / tf.maximum(warmup, 1.0))
        # One period of cosine annealing (Loshchilov & Hutter 2017), after a linear warm-up.
        passed = (step - warmup) / tf.maximum(self._hyper["steps"] - warmup, 1.0)
        falling = 0.5 * (1 + tf.cos(math.pi * tf.clip_by_value(passed, 0.0, 1.0)))
        return peak * tf.where(step < warmup, (step + 1) / tf.maximum(warmup, 1.0), falling)

    def step(self, gradients: Sequence[tf.Tensor]) -> None:
        """Apply gradients, one for each variable; to be called inside a `tf.function`."""
        rate = self.rate()
        count = tf.cast(self.iterations + 1, tf.float32)
        for gradient, target in zip(gradients, self._targets, strict=True):
            value = target.variable.value
            if self._decays and len(value.shape) > 1:
                value.assign_sub(value * (rate * self._hyper["weight_decay"]))
            self._kernel.apply(target, gradient, rate, count, self._hyper["momentum"])
        self.iterations.assign_add(1)


@dataclass(frozen=True)
class _Target:
    variable: keras.Variable
    slots: list[tf.Variable]


@dataclass(frozen=True)
class _Kernel:
    """An update rule: `apply(target, gradient, learning rate, step from 1, momentum)`."""

    slots: int
    apply: Callable[[_Target, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], None]


def _zeros(variable: keras.Variable) -> tf.Variable:
    return tf.Variable(tf.zeros(variable.shape), trainable=False)


def _adam(
    target: _Target, gradient: tf.Tensor, rate: tf.Tensor, count: tf.Tensor, _: tf.Tensor
) -> None:
    # As in Keras, epsilon is added to sqrt(v), not to its bias-corrected value.
    mean, variance = target.slots
    tf.raw_ops.ResourceApplyAdam(
        var=target.variable.value.handle,
        m=mean.handle,
        v=variance.handle,
        beta1_power=BETA_1**count,
        beta2_power=BETA_2**count,
        lr=rate,
        beta1=BETA_1,
        beta2=BETA_2,
        epsilon=EPSILON,
        grad=gradient,
    )


def _rmsprop(
    target: _Target, gradient: tf.Tensor, rate: tf.Tensor, _: tf.Tensor, __: tf.Tensor
) -> None:
    square, update = target.slots
    tf.raw_ops.ResourceApplyRMSProp(
        var=target.variable.value.handle,
        ms=square.handle,
        mom=update.handle,
        lr=rate,
        rho=RHO,
        momentum=0.0,
        epsilon=EPSILON,
        grad=gradient,
    )


def _sgd(
    target: _Target, gradient: tf.Tensor, rate: tf.Tensor, _: tf.Tensor, momentum: tf.Tensor
) -> None:
    # With momentum 0 the velocity is minus rate times gradient: plain gradient descent.
    (velocity,) = target.slots
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=target.variable.value.handle,
        accum=velocity.handle,
        lr=rate,
        grad=gradient,
        momentum=momentum,
    )


KERNELS: Mapping[str, _Kernel] = {
    "adam": _Kernel(2, _adam),
    "adamw": _Kernel(2, _adam),
    "rmsprop": _Kernel(2, _rmsprop),
    "sgd": _Kernel(1, _sgd),
}
