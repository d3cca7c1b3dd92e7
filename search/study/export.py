"""Studies for other programs: as one JSON document, as CSV, or as a folder with the best model."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import FmsearchError
from ...models.settings import Scoring
from ...places import Places
from ...redaction import redacted
from ...tracking.reachability import check_reachable
from ...tracking.store import Store
from ...tracking.stored_models import copy_network
from ..runs.tables import cv_results_csv, trials_csv
from ..runs.values import trial_identity
from ..storage.stored_study import StoredStudy
from ..trial import Trial
from .status import StudyStatus, overview

FORMAT = 1
"""Of the document; it changes where a reader of an earlier one would be wrong."""


def trials_record(now: StudyStatus, trials: Sequence[Trial]) -> dict[str, Any]:
    """How a study stands, and some of its trials, as values of JSON."""
    return {
        "counts": dict(now.counts),
        "best": None if now.best is None else now.best.number,
        "front": sorted(now.front),
        "importances": dict(now.importances),
        "trials": [
            {
                "trial": one.number,
                "state": one.status,
                "score": one.score,
                "parameters": dict(one.parameters),
                "metrics": dict(one.metrics),
                "fit_seconds": sum(one.fit_seconds),
                "reason": one.reason,
                "duplicate_of": one.duplicate_of,
            }
            for one in trials
        ],
    }


def study_record(study: StoredStudy) -> dict[str, Any]:
    """A study with all its trials, as values of JSON."""
    config, now = study.config, overview(study)
    written = config.to_store()
    kept = ("data_sha256", "seed", "train_images", "sampler", "pruner", "versions", "id")
    return {
        "format": FORMAT,
        "study": config.name,
        "data": config.data,
        **{name: written[name] for name in kept},
        "reproducible": bool(config.lag),
        "space": {"name": config.space.name, "yaml": config.space.text},
        "objectives": dict(config.space.objectives),
        **trials_record(now, now.latest),
    }


def json_text(value: object) -> str:
    """A value as JSON, all in ASCII; numbers that JSON does not have are null."""
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def export_study(
    study: StoredStudy, places: Places, target: Path, *, with_model: bool = True
) -> list[str]:
    """Write a study into a new folder or, where its name ends so, a new file, .json or .csv.

    A folder has `study.json`, `trials.csv`, `space.yaml`, of a cross-validated study
    `cv_results.csv`, and `model.keras`, the best trial's network.

    Args:
        study: What to write.
        places: Of the store.
        target: What is to be made; all at once, so that nothing is there in part.
        with_model: Whether a folder gets the network.

    Returns:
        The names of the written files.

    Raises:
        FmsearchError: The target is there, or cannot be written; or there is no such model.
    """
    if target.exists() or target.is_symlink():
        raise FmsearchError(f"{target} exists already; name a new folder, or a new file")
    part = target.with_name(f".{target.name}.part")
    _remove(part)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        if (write := FILES.get(target.suffix.lower())) is not None:
            part.write_text(write(study), "utf-8")
        else:
            part.mkdir()
            _fill(study, places, part, with_model=with_model)
        part.rename(target)
    except OSError as error:
        raise FmsearchError(f"cannot write {target}: {error.strerror}") from error
    finally:
        _remove(part)
    return sorted(one.name for one in target.iterdir()) if target.is_dir() else [target.name]


def _as_json(study: StoredStudy) -> str:
    return redacted(json_text(study_record(study)))


def _as_csv(study: StoredStudy) -> str:
    return redacted(trials_csv(study.trials()))


FILES: Mapping[str, Callable[[StoredStudy], str]] = {".json": _as_json, ".csv": _as_csv}
"""What a file has, by the end of its name."""


def _fill(study: StoredStudy, places: Places, folder: Path, *, with_model: bool) -> None:
    (folder / "study.json").write_text(_as_json(study), "utf-8")
    (folder / "trials.csv").write_text(_as_csv(study), "utf-8")
    (folder / "space.yaml").write_text(study.config.space.text, "utf-8")
    best = study.best()
    if best is None:
        return
    if study.config.space.scoring is Scoring.CROSS_VALIDATION:
        (folder / "cv_results.csv").write_text(cv_results_csv(study.trials()), "utf-8")
    if with_model:
        check_reachable(places)
        store = Store(places, create=False)
        run = store.find(trial_identity(study.config, best.number))
        if run is None:
            raise FmsearchError(
                f"MLflow does not have trial {best.number} of {study.config.name!r} yet, the best; "
                "`fmsearch sync` ships it, or do without its model by --no-model"
            )
        copy_network(store, run, folder / "model.keras")


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with suppress(OSError):
            part.unlink()
