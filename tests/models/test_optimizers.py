"""Optimizers: the formulas of Keras, learning rate schedules, graphs that outlive their numbers."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from fmsearch.models.families import FAMILIES
from fmsearch.models.optimizers import Optimizer
from fmsearch.models.quiet_tensorflow import keras, tf
from fmsearch.models.settings import OPTIMIZERS, Value

START = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
CHOICES: list[dict[str, Value]] = [
    *({"optimizer": name} for name in OPTIMIZERS),
    *({"optimizer": name, "learning_rate": 0.03, "weight_decay": 0.1} for name in OPTIMIZERS),
    {"optimizer": "sgd", "learning_rate": 0.02, "momentum": 0.9},
    {"optimizer": "sgd", "learning_rate": 0.02, "momentum": 0.9, "weight_decay": 0.2},
]
Step = Callable[[Sequence[tf.Tensor]], None]


def begin(
    variables: Sequence[keras.Variable], steps: int = 1, epochs: int = 20, **settings: Value
) -> Optimizer:
    complete = FAMILIES["mlp"].complete(settings)
    optimizer = Optimizer(variables, complete)
    optimizer.begin(complete, steps, epochs)
    return optimizer


def train(step: Step, variable: keras.Variable) -> np.ndarray:
    """The variable after 20 steps along gradients that are the same each time."""
    draws = np.random.default_rng(1)
    for _ in range(20):
        step([tf.constant(draws.normal(size=variable.shape), tf.float32)])
    return np.array(variable.numpy())


def keras_optimizer(optimizer: str, **hyperparameters: Value) -> keras.optimizers.Optimizer:
    config = {name: value for name, value in hyperparameters.items() if value}
    return keras.optimizers.get({"class_name": optimizer, "config": config})


@pytest.mark.parametrize("settings", CHOICES, ids=lambda one: "-".join(map(str, one.values())))
def test_20_steps_equal_those_of_the_keras_optimizer(settings: Mapping[str, Value]) -> None:
    ours, theirs = keras.Variable(START), keras.Variable(START)
    reference = keras_optimizer(**settings)
    found = train(tf.function(begin([ours], **settings).step), ours)
    expected = train(lambda gradients: reference.apply(gradients, [theirs]), theirs)
    # The same formula in another order of operations: float32 rounds at 1e-7.
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    assert not np.allclose(found, START, atol=1e-3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_without_settings_an_optimizer_has_the_defaults_of_keras(optimizer: str) -> None:
    complete, reference = FAMILIES["mlp"].complete({"optimizer": optimizer}), keras_optimizer
    assert complete["learning_rate"] == pytest.approx(float(reference(optimizer).learning_rate))
    assert complete["weight_decay"] == (reference(optimizer).weight_decay or 0.0)
    assert complete["momentum"] == getattr(reference(optimizer), "momentum", 0.0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weight_decay_spares_vectors(optimizer: str) -> None:
    plain, decayed = keras.Variable(START[0]), keras.Variable(START[0])
    without, strong = (
        begin([variable], optimizer=optimizer, weight_decay=decay)
        for variable, decay in ((plain, 0.0), (decayed, 0.5))
    )
    expected, found = train(without.step, plain), train(strong.step, decayed)
    np.testing.assert_array_equal(found, expected)


def test_weight_decay_shrinks_kernels_of_any_rank_by_rate_times_decay() -> None:
    variables = [keras.Variable(np.ones(shape, np.float32)) for shape in ((4,), (2, 2), (3,) * 4)]
    optimizer = begin(variables, optimizer="sgd", learning_rate=0.5, weight_decay=0.25)
    optimizer.step([tf.zeros(variable.shape) for variable in variables])
    assert [float(variable.numpy().mean()) for variable in variables] == [1.0, 0.875, 0.875]


def rates(schedule: str, warmup_epochs: int) -> list[float]:
    """The learning rates of a fit of 10 epochs of 4 steps with a peak of 2."""
    variable = keras.Variable(START)
    settings = {"optimizer": "sgd", "learning_rate": 2.0, "schedule": schedule}
    optimizer = begin([variable], steps=4, epochs=10, warmup_epochs=warmup_epochs, **settings)
    rates = []
    for _ in range(40):
        rates.append(float(optimizer.rate()))
        optimizer.step([tf.zeros(variable.shape)])
    return rates


def test_the_cosine_schedule_rises_in_its_warmup_and_falls_along_a_half_wave() -> None:
    found = rates("cosine", warmup_epochs=2)  # 8 steps up, 32 down
    # Exact to float32, whose cosine of nearly pi is good to 1e-7.
    assert found[:8] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0])
    assert found[8] == pytest.approx(2.0)
    assert found[16] == pytest.approx(1 + np.sqrt(0.5), abs=1e-6)  # a quarter of the way
    assert found[24] == pytest.approx(1.0, abs=1e-6)
    assert found[39] == pytest.approx(1 - np.cos(np.pi / 32), abs=1e-6)  # one step from the end
    assert 0 < found[39] < 0.005
    assert found[8:] == sorted(found[8:], reverse=True)


def test_the_cosine_schedule_without_warmup_begins_at_its_peak() -> None:
    found = rates("cosine", warmup_epochs=0)
    assert found[0] == 2.0
    assert found[20] == pytest.approx(1.0, abs=1e-6)  # float32's cosine


def test_the_constant_schedule_stays_at_its_peak_after_the_warmup() -> None:
    assert rates("constant", warmup_epochs=0) == [2.0] * 40
    assert rates("constant", warmup_epochs=1) == [0.5, 1.0, 1.5, *[2.0] * 37]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_warmup_longer_than_the_fit_only_rises(schedule: str) -> None:
    assert rates(schedule, warmup_epochs=20) == pytest.approx([(n + 1) / 40 for n in range(40)])


def test_a_step_takes_the_rate_of_the_schedule() -> None:
    variable = keras.Variable(np.zeros(2, np.float32))
    settings = {"optimizer": "sgd", "learning_rate": 1.0, "warmup_epochs": 1}
    optimizer = begin([variable], steps=4, **settings)
    for _ in range(3):
        optimizer.step([tf.ones(2)])
    assert variable.numpy().tolist() == [-1.5, -1.5]  # - 1/4 - 2/4 - 3/4


def test_hyperparameters_that_begin_changes_need_no_new_trace() -> None:
    variable, fresh = keras.Variable(START), keras.Variable(START)
    optimizer = begin([variable], optimizer="sgd", learning_rate=0.1, weight_decay=0.1)
    step = tf.function(optimizer.step)
    train(step, variable)
    other = {"optimizer": "sgd", "learning_rate": 0.02, "momentum": 0.5, "weight_decay": 0.3}
    optimizer.begin(FAMILIES["mlp"].complete({**other, "warmup_epochs": 3}), 2, 10)
    variable.assign(START)
    found = train(step, variable)
    expected = train(begin([fresh], 2, 10, warmup_epochs=3, **other).step, fresh)
    assert step.experimental_get_tracing_count() == 1
    # Compiled and eager kernels are the same; products may be fused: float32 rounds at 1e-7.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
