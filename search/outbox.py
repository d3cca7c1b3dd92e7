"""Outboxes: folders with the results of finished trials that MLflow does not have yet."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from dataclasses import asdict
from pathlib import Path

from ..errors import FmsearchError
from ..models.training import Epoch
from .environment import Environment
from .result import Duplicate, Failure, Result

RESULT, MODEL, SUMMARY = "result.json", "model.keras", "model_summary.txt"
ARCHITECTURE = "architecture.png"
PART, REMOVED = ".part", ".old"
ENVIRONMENT = "circumstances"
"""Key of the environment in a result's file, named so by the first version."""


def entry_name(trial: int) -> str:
    """The name of a trial's folder in its study's outbox."""
    return f"trial-{trial:06d}"


def entries(outbox: Path) -> dict[int, Path]:
    """The folders in a study's outbox, by trial number.

    Raises:
        FmsearchError: A folder has another name, or the outbox is no folder.
    """
    if outbox.exists() and not outbox.is_dir():
        raise FmsearchError(f"{outbox} is no folder; move it somewhere else")
    found = {}
    for folder in sorted(outbox.glob("trial-*")):
        number = folder.name.removeprefix("trial-")
        if not re.fullmatch(r"[0-9]{6,9}", number):
            raise FmsearchError(f"{folder} is no trial of the outbox; move it somewhere else")
        found[int(number)] = folder
    return found


def checkpoint_name(trial: int) -> str:
    """The name of a training's checkpoint, in the outbox; `trial` is the training's first trial."""
    return f"checkpoint-{trial:06d}.npz"


def checkpoints(outbox: Path) -> dict[int, Path]:
    """The checkpoints in a study's outbox, by trial number."""
    found = {}
    for file in sorted(outbox.glob("checkpoint-*")):
        name = re.fullmatch(r"checkpoint-([0-9]{6,9})\.npz", file.name)
        if name is not None and file.is_file():
            found[int(name[1])] = file
    return found


_NOTES: dict[str, type[Failure] | type[Duplicate]] = {
    "failure.json": Failure,
    "duplicate.json": Duplicate,
}


def write_note(entry: Path, note: Failure | Duplicate) -> None:
    """Publish a folder that has a failure or a duplicate instead of a result."""
    part = new_folder(entry)
    name = next(name for name, kind in _NOTES.items() if isinstance(note, kind))
    (part / name).write_text(json.dumps(asdict(note)), "utf-8")
    publish(part, entry)


def read_entry(folder: Path) -> Result | Failure | Duplicate:
    """Read what a folder in the outbox has.

    Raises:
        FmsearchError: One of its files is missing or damaged.
    """
    name = next((name for name in _NOTES if (folder / name).exists()), RESULT)
    try:
        if name in _NOTES:
            return _NOTES[name](**json.loads((folder / name).read_text("utf-8")))
        result = read_result(folder)
        name = SUMMARY
        (folder / SUMMARY).read_text("utf-8")
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise FmsearchError(
            f"{folder / name} is missing or damaged ({error}); delete that folder: "
            "if its trial is not on record yet, it is trained again"
        ) from error
    return result


def write_result(folder: Path, result: Result) -> None:
    """Write a result into a new folder."""
    fields = asdict(result)
    fields[ENVIRONMENT] = fields.pop("environment")
    (folder / RESULT).write_text(json.dumps(fields), "utf-8")


def read_result(folder: Path) -> Result:
    """Read the result in a folder.

    Raises:
        OSError, ValueError, TypeError, LookupError: The file is missing or damaged.
    """
    fields = json.loads((folder / RESULT).read_text("utf-8"))
    fields["history"] = tuple(Epoch(**epoch) for epoch in fields["history"])
    fields["confusion"] = tuple(tuple(row) for row in fields["confusion"])
    fields["fit_seconds"] = tuple(fields["fit_seconds"])
    fields["score_seconds"] = tuple(fields["score_seconds"])
    fields["environment"] = Environment(**fields.pop(ENVIRONMENT, {}))
    return Result(**fields)


def new_folder(entry: Path) -> Path:
    """Create an empty folder beside `entry`, which `publish` renames when it is filled."""
    part = entry.with_name(f".{entry.name}{PART}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    return part


def publish(part: Path, entry: Path) -> None:
    """Rename a filled folder, which counts from then on, and survives a crash."""
    for file in part.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    discard(entry)
    part.rename(entry)


def half_written(outbox: Path) -> list[Path]:
    """Folders and files in an outbox that are not completely written, or not completely removed."""
    patterns = (f".trial-*{PART}", f".trial-*{REMOVED}", f"checkpoint-*{PART}")
    return [path for pattern in patterns for path in sorted(outbox.glob(pattern))]


def remove_half_written(outbox: Path) -> None:
    """Remove what is half written; no trainer may be writing, but the shipper may be removing."""
    for left in half_written(outbox):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def discard(entry: Path) -> None:
    """Remove a folder, if it exists. It is renamed first, so that a rest of it does not count."""
    removed = entry.with_name(f".{entry.name}{REMOVED}")
    shutil.rmtree(removed, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        entry.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)
