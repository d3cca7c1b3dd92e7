"""The Python interface: what commands do, for notebooks and programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import FmsearchError
from .homes import DEFAULT_HOME, home_above
from .loaded_study import Study, as_guest
from .places import EXPERIMENT, Places
from .search.trial import Trial

if TYPE_CHECKING:
    from .models.array_data import ArrayData
    from .search.space.space import Space
    from .search.study.callback import StudyCallback
    from .search.trainers.messages import EpochDone

OnTrial = Callable[[Trial], object]
"""Hears a trial that has just ended."""


def study(
    space: str | os.PathLike[str] | Mapping[str, Any],
    data: str | os.PathLike[str] | ArrayData | None = None,
    *,
    image_size: str | None = None,
    callback: OnTrial | None = None,
    progress: bool = True,
    home: str | os.PathLike[str] | None = None,
    tracking_uri: str | None = None,
    storage: str | None = None,
    experiment: str | None = None,
    **options: Any,
) -> Study:
    """Run a study to its end, or go on with one that was interrupted, as `fmsearch study` does.

    An interruption (Ctrl-C, or a notebook's Interrupt) gives running trials back, keeps all results
    and raises KeyboardInterrupt; the same call goes on.

    Args:
        space: A built-in space's name, a YAML file, or what would stand in that file.
        data: As of `--data`, or arrays in memory, which are written into the home: a mapping with
            `x_train`, `y_train`, `x_test`, `y_test` (and `class_names`), or a training and a test
            part, each `(images, labels)` or a `tf.data.Dataset` of these. None for FMSEARCH_DATA or
            Fashion-MNIST.
        image_size: To which the pictures of a folder are resized, as "64x48".
        callback: Called with each trial of this session that ends. What it raises ends the study
            as an interruption does.
        progress: Whether to print a line for each trial.
        home: Folder of the store; None for FMSEARCH_HOME, else `mlruns` here or in the nearest
            folder above that has one.
        tracking_uri, storage, experiment: As the options of that name; None for what the
            environment says, as with commands.
        options: As the command's, with the same defaults and None for "not given": `name`, `jobs`,
            `seed`, `train_images`, `trials`, `timeout` (seconds), `target_score`,
            `patience`, `sampler`,
            `pruner`, `enqueue` (bool), `reproducible`, `keep_models` (None for all), `fresh`
            (without a question), `retry_failed`, `checkpoint_every` (seconds), `offline`.

    Raises:
        FmsearchError: Something that the user can mend keeps it from running; or all trials failed.
        TypeError: There is no such option.
    """
    from .commands.data_set import data_set, read_data_set
    from .models.array_data import write_arrays
    from .models.data import FASHION_MNIST
    from .search.study.make_plan import make_plan
    from .search.study.run import check_outcome, run_study

    places = _places(home, tracking_uri, storage, experiment)
    with as_guest():
        searched = _space(space)
        if data is None:
            data = os.environ.get("FMSEARCH_DATA") or FASHION_MNIST
        if not isinstance(data, (str, os.PathLike)):
            places.prepare()
            data = write_arrays(data, places.home / "data")
        found = (data_set if progress else read_data_set)(os.fspath(data), image_size)
        options.setdefault("jobs", _jobs())
        plan = make_plan(searched, places, found, **options)
        with _Heard(callback, plan.name, progress=progress) as heard:
            summary = run_study(plan, heard)
        places.close()
        check_outcome(summary)
    return load_study(plan.name, home=places.home, tracking_uri=places.tracking_uri,
                      storage=places.storage, experiment=places.experiment)  # fmt: skip


def load_study(
    name: str,
    *,
    home: str | os.PathLike[str] | None = None,
    tracking_uri: str | None = None,
    storage: str | None = None,
    experiment: str | None = None,
) -> Study:
    """A study of the store, as it stands whenever it is asked; it may be running.

    Args:
        name: Of the study.
        home, tracking_uri, storage, experiment: As of `study`.

    Raises:
        FmsearchError: There is none of that name.
    """
    from .search.processes.scratch import scratch_folder
    from .search.storage.storage import open_storage

    places = _places(home, tracking_uri, storage, experiment).to_look_at(scratch_folder)
    if not places.has_storage:
        raise FmsearchError(f"no study {name!r}: there is no store in {places.home}")
    return Study(open_storage(places.storage).study(name), places)


def _places(
    home: str | os.PathLike[str] | None,
    tracking_uri: str | None,
    storage: str | None,
    experiment: str | None,
) -> Places:
    environment = os.environ.get
    home = home or environment("FMSEARCH_HOME") or home_above() or DEFAULT_HOME
    return Places.of(
        Path(home),
        tracking_uri or environment("MLFLOW_TRACKING_URI"),
        storage or environment("FMSEARCH_STORAGE"),
        experiment or environment("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT,
    )


def _space(space: str | os.PathLike[str] | Mapping[str, Any]) -> Space:
    from .search.space.load import load_space, read_space

    if not isinstance(space, Mapping):
        return load_space(os.fspath(space))
    import yaml

    try:
        text = yaml.safe_dump(dict(space), sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise FmsearchError(f"the space is not made of plain values: {error.args[0]}") from error
    return read_space(text, "the space")


def _jobs() -> int | None:
    if not (text := os.environ.get("FMSEARCH_JOBS")):
        return None
    if not text.isdecimal() or not int(text):
        raise FmsearchError(f"FMSEARCH_JOBS={text!r} is no number of trainers from 1 on")
    return int(text)


class _Heard:
    """A `StudyCallback` for a user's callback and, if wanted, the lines that the command prints."""

    def __init__(self, callback: OnTrial | None, name: str, *, progress: bool) -> None:
        self._callback = callback
        self._shown: StudyCallback | None = None
        self._name, self._progress = name, progress
        self._open = ExitStack()

    def __enter__(self) -> _Heard:
        if self._progress:
            from .commands.progress import StudyProgress
            from .commands.terminal import make_console

            self._shown = self._open.enter_context(StudyProgress(make_console(), self._name))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        if self._shown:
            self._shown.on_start(trials, total, jobs)

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        if self._shown:
            self._shown.on_epoch(trainer, trials, done)

    def on_trial_pause(self, trial: Trial, trials: list[Trial]) -> None:
        if self._shown:
            self._shown.on_trial_pause(trial, trials)

    def on_trial_end(self, trial: Trial, trials: list[Trial]) -> None:
        if self._shown:
            self._shown.on_trial_end(trial, trials)
        if self._callback:
            self._callback(trial)
