"""A run's training, read from the store so that it can be done again."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import FmsearchError
from ...models import fashion_mnist
from ...models.data import FASHION_MNIST, DataSet, describe, moved
from ...models.kernels import kernels_of_user
from ...models.settings import Value
from ...tracking.run_record import (
    TAG_DATA,
    TAG_DUPLICATE,
    TAG_FOLDS,
    TAG_ID,
    TAG_IMAGES,
    TAG_ROLE,
    TAG_STATE,
    TAG_STUDY,
    TAG_TRIAL,
    TAG_VERSIONS,
    Status,
)
from ...tracking.store import Store
from ...tracking.stored_runs import (
    MetricValues,
    StoredRun,
    find_named,
    find_tagged,
    read_metrics,
    read_text,
)
from ..environment import Environment, here
from ..runs.schema import CURVES
from ..space.load import read_space
from ..space.parameters import Choice
from ..space.space import Space
from ..trial import SEED, State


@dataclass(frozen=True, kw_only=True)
class RecordedTraining:
    """A run's training, and the numbers that it gave.

    Attributes:
        metrics: All numbers of the run.
        reached: The last epoch with numbers; 0 if none was trained.
        whole: Whether the training gives exactly these numbers. It does not if it was pruned, or
            if the run is a duplicate, which does not have all numbers.
        final: Whether it was trained on all images and tested, for the registry.
        folds: Number of folds on which it was trained.
        train_images: Number of training images of its study; None for all.
        kernels: The library that computes again: the same one, unless the user names another;
            empty if TensorFlow chooses, as it did.
        changed: What has changed since, a line each.
    """

    name: str
    metrics: MetricValues
    reached: int
    whole: bool
    final: bool
    settings: Mapping[str, Value]
    seed: int
    folds: int
    space: Space
    data: DataSet
    train_images: int | None
    kernels: str
    changed: tuple[str, ...]


def read_recorded_training(store: Store, name: str, data: str | None = None) -> RecordedTraining:
    """Read the training of a run.

    Args:
        store: The store that has the run.
        name: The run's id or its name.
        data: The data set's spec, if it is elsewhere now.

    Raises:
        FmsearchError: There is no such run, or it cannot be trained again.
    """
    run = find_named(store, name)
    _check(run)
    trained = _trained(store, run)
    study = _tagged(store, run, {TAG_ROLE: "study"}, "the run of its study")
    if TAG_VERSIONS not in trained.tags or TAG_IMAGES not in study.tags:
        raise FmsearchError(
            f"{run.name} was recorded without versions and number of images, by an earlier "
            "fmsearch; only later runs can be replayed"
        )
    text = read_text(store, study, "space.yaml")
    space = read_space(text, f"the space of {study.name}", recorded=True)
    spec = moved(study.source, data)
    if spec == FASHION_MNIST:
        fashion_mnist.fetch()
    found = describe(spec)
    images = study.tags[TAG_IMAGES]
    then = Environment.of(trained.tags)
    kernels = kernels_of_user() or then.kernels
    metrics = _by_epoch(read_metrics(store, run))
    before = metrics if trained is run else read_metrics(store, trained)
    return RecordedTraining(
        name=run.name,
        metrics=metrics,
        reached=max((step for name, step in before if name in CURVES), default=0),
        whole=trained is run and run.tags.get(TAG_STATE) != State.PRUNED.value,
        final=run.tags[TAG_ROLE] == "final",
        settings=read_settings(space, trained.params),
        seed=int(trained.params[SEED]),
        folds=int(trained.tags.get(TAG_FOLDS, 0)),
        space=space,
        data=found,
        train_images=None if images == "all" else int(images),
        kernels=kernels,
        changed=(*then.differences(here(kernels)), *_changed(trained, found)),
    )


def _by_epoch(values: MetricValues) -> MetricValues:
    """Numbers by name and epoch; final ones, whose step may be a trial's number, by 0."""
    in_order = sorted(values.items(), key=lambda one: one[0][1])
    return {(name, step if name in CURVES else 0): value for (name, step), value in in_order}


def _check(run: StoredRun) -> None:
    role = run.tags.get(TAG_ROLE)
    if role == "study":
        raise FmsearchError(
            f"{run.name} is the run of a study; name one of its trials, such as {run.name}-0000"
        )
    if role in ("reproduction", "experiment"):
        raise FmsearchError(
            f"{run.name} is of a reproduction, which `fmsearch reproduce` does again under another "
            "--name; replay takes runs of studies"
        )
    if role not in ("trial", "final"):
        raise FmsearchError(f"{run.name} is no run of fmsearch's; name a trial's")
    if run.status == Status.FAILED.value:
        raise FmsearchError(f"{run.name} failed: it has no numbers to compare")
    if run.status == Status.RUNNING.value:
        raise FmsearchError(f"{run.name} is not whole yet; `fmsearch sync` ships what is left")


def _trained(store: Store, run: StoredRun) -> StoredRun:
    """The run itself or, if it is a duplicate, the run whose numbers it repeats."""
    original = run.tags.get(TAG_DUPLICATE)
    if original is None:
        return run
    return _tagged(store, run, {TAG_ROLE: "trial", TAG_TRIAL: original}, f"trial {original}")


def _tagged(store: Store, run: StoredRun, tags: Mapping[str, str], what: str) -> StoredRun:
    """Another run of the same study, which has these tags; `what` names it in messages."""
    study = {name: run.tags[name] for name in (TAG_STUDY, TAG_ID)}
    found = find_tagged(store, {**study, **tags})
    if found is None:
        raise FmsearchError(
            f"{run.name} cannot be replayed without {what}, which is not in the store; "
            "`fmsearch sync` ships what is left"
        )
    return found


def read_settings(space: Space, params: Mapping[str, str]) -> dict[str, Value]:
    """All settings of a training, from a run's params, which are texts."""
    texts = {name: text for name, text in params.items() if name != SEED}
    return space.family.complete({name: _value(space, name, texts[name]) for name in texts})


def _value(space: Space, name: str, text: str) -> Value:
    """The value of the space with this text, or else what Python reads from the text."""
    listed = [space.fixed[name]] if name in space.fixed else []
    if name in space.parameters and isinstance(domain := space.parameters[name].domain, Choice):
        listed += domain.values
    for value in listed:
        if str(value) == text:
            return value
    try:
        read: Value = literal_eval(text)
    except (ValueError, SyntaxError):  # a word
        return text
    return read


def _changed(run: StoredRun, data: DataSet) -> list[str]:
    if run.tags[TAG_DATA] == data.sha256:
        return []
    then, now = run.tags[TAG_DATA][:12], data.sha256[:12]
    return [f"data differ: {data.spec} had SHA-256 {then}… then, has {now}… now"]
