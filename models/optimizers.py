"""One optimizer step as one fused TensorFlow kernel per variable.

A Keras optimizer keeps the state and the hyperparameters; its arithmetic is done here by the
kernels `ResourceApply…`, which compute the same formulas in one pass over memory. Keras' own
`Optimizer.apply` inside a `tf.function` is slower (for the published MLP the whole training step
takes 1.2 times as long) and leaves several MB behind for each fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .backend import keras, tf

Step = Callable[[Sequence[tf.Tensor]], None]


def make_optimizer(
    name: str, variables: Sequence[keras.Variable]
) -> tuple[keras.optimizers.Optimizer, Step]:
    """A Keras optimizer with Keras' default hyperparameters, and its step.

    Args:
        name: A key of `KINDS`.
        variables: What is optimized; the optimizer's state is built for them.

    Returns:
        The optimizer, and a function that applies gradients (one for each variable) and counts
        the step; it is to be called inside a `tf.function`.
    """
    kind, make_apply = KINDS[name]
    optimizer = kind()
    optimizer.build(variables)
    apply = make_apply(optimizer, variables)

    def step(gradients: Sequence[tf.Tensor]) -> None:
        apply(gradients)
        optimizer.iterations.assign_add(1)

    return optimizer, step


def _adam(optimizer: keras.optimizers.Adam, variables: Sequence[keras.Variable]) -> Step:
    # Kingma & Ba 2015, as in Keras: epsilon is added to sqrt(v), not to its corrected value.
    slots = list(zip(variables, optimizer._momentums, optimizer._velocities, strict=True))

    def apply(gradients: Sequence[tf.Tensor]) -> None:
        steps = tf.cast(optimizer.iterations.value + 1, tf.float32)
        beta_1_power, beta_2_power = optimizer.beta_1**steps, optimizer.beta_2**steps
        for gradient, (variable, momentum, velocity) in zip(gradients, slots, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=momentum.value.handle,
                v=velocity.value.handle,
                beta1_power=beta_1_power,
                beta2_power=beta_2_power,
                lr=optimizer.learning_rate.value,
                beta1=optimizer.beta_1,
                beta2=optimizer.beta_2,
                epsilon=optimizer.epsilon,
                grad=gradient,
            )

    return apply


def _rmsprop(optimizer: keras.optimizers.RMSprop, variables: Sequence[keras.Variable]) -> Step:
    slots = [
        # Without momentum the kernel only writes its momentum slot: scratch space, not state.
        (variable, velocity, tf.Variable(tf.zeros(variable.shape), trainable=False))
        for variable, velocity in zip(variables, optimizer._velocities, strict=True)
    ]

    def apply(gradients: Sequence[tf.Tensor]) -> None:
        for gradient, (variable, velocity, scratch) in zip(gradients, slots, strict=True):
            tf.raw_ops.ResourceApplyRMSProp(
                var=variable.value.handle,
                ms=velocity.value.handle,
                mom=scratch.handle,
                lr=optimizer.learning_rate.value,
                rho=optimizer.rho,
                momentum=0.0,
                epsilon=optimizer.epsilon,
                grad=gradient,
            )

    return apply


def _sgd(optimizer: keras.optimizers.SGD, variables: Sequence[keras.Variable]) -> Step:
    def apply(gradients: Sequence[tf.Tensor]) -> None:
        for gradient, variable in zip(gradients, variables, strict=True):
            tf.raw_ops.ResourceApplyGradientDescent(
                var=variable.value.handle, alpha=optimizer.learning_rate.value, delta=gradient
            )

    return apply


KINDS: Mapping[str, tuple[type[keras.optimizers.Optimizer], Callable[..., Step]]] = {
    "adam": (keras.optimizers.Adam, _adam),
    "rmsprop": (keras.optimizers.RMSprop, _rmsprop),
    "sgd": (keras.optimizers.SGD, _sgd),
}
