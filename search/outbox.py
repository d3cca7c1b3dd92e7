"""Outboxes: folders with the results of finished trials that MLflow does not have yet.

Each folder has a list of checksums; what is damaged is kept apart, under another name.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
import re
import shutil
from dataclasses import asdict
from pathlib import Path

from ..checksums import CHECKSUMS, damages, read_checksums
from ..errors import FmsearchError
from ..models.training import Epoch
from .environment import Environment
from .result import Duplicate, Failure, Result
from .whole_folders import new_folder, publish

RESULT, MODEL, SUMMARY = "result.json", "model.keras", "model_summary.txt"
ARCHITECTURE, PREDICTED, OWN_CODE = "architecture.png", "predicted.json", "own_code.json"
APART, WHY = "apart-", "why.txt"
ENVIRONMENT = "circumstances"
"""Key of the environment in a result's file, named so by the first version."""

log = logging.getLogger(__name__)


class DamagedError(FmsearchError):
    """A result on disk is not as its trainer left it; `what` says how, in words."""

    def __init__(self, folder: Path, what: object) -> None:
        super().__init__(f"{folder}: {what}")
        self.what = str(what)


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


def read_entry(folder: Path) -> tuple[str, Result | Failure | Duplicate]:
    """Read what a folder in the outbox has, and the id of that result.

    A result's id follows from its checksums; it is empty where an earlier version wrote it.

    Raises:
        DamagedError: One of its files is missing or damaged.
    """
    result_id = _check(folder)
    name = next((name for name in _NOTES if (folder / name).exists()), RESULT)
    if name not in _NOTES:
        return result_id, read_result(folder)
    try:
        return result_id, _NOTES[name](**json.loads((folder / name).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DamagedError(folder, f"{name} is missing or damaged ({error})") from error


def _check(folder: Path) -> str:
    """The id of the result in a folder whose files are as they were written."""
    file = folder / CHECKSUMS
    if not file.exists():
        return ""
    try:
        listed = read_checksums(file)
    except (OSError, ValueError) as error:
        raise DamagedError(folder, error) from error
    for name, what in damages(folder, listed).items():
        raise DamagedError(folder, f"{name} {what}")
    ours = {RESULT, MODEL, OWN_CODE, SUMMARY, ARCHITECTURE, PREDICTED, *_NOTES}
    for name in sorted(ours - listed.keys()):  # a list that was cut off
        if (folder / name).exists():
            raise DamagedError(folder, f"{CHECKSUMS} is damaged")
    return hashlib.sha256(file.read_bytes()).hexdigest()[:32]


def write_result(folder: Path, result: Result) -> None:
    """Write a result into a new folder."""
    fields = asdict(result)
    fields[ENVIRONMENT] = fields.pop("environment")
    (folder / RESULT).write_text(json.dumps(fields), "utf-8")


def read_result(folder: Path) -> Result:
    """Read the result of a training.

    Raises:
        DamagedError: One of the folder's files is missing or damaged.
    """
    _check(folder)
    name = RESULT
    try:
        fields = json.loads((folder / RESULT).read_text("utf-8"))
        fields["history"] = tuple(Epoch(**epoch) for epoch in fields["history"])
        fields["confusion"] = tuple(tuple(row) for row in fields["confusion"])
        fields["fit_seconds"] = tuple(fields["fit_seconds"])
        fields["score_seconds"] = tuple(fields["score_seconds"])
        fields["environment"] = Environment(**fields.pop(ENVIRONMENT, {}))
        result = Result(**fields)
        name = SUMMARY
        (folder / SUMMARY).read_text("utf-8")
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise DamagedError(folder, f"{name} is missing or damaged ({error})") from error
    return result


def is_whole(folder: Path) -> bool:
    """Whether the result of a training is there; a damaged one is kept apart, and is not."""
    if not folder.exists():
        return False
    try:
        read_result(folder)
    except DamagedError as error:
        keep_apart(folder, error.what)
        return False
    return True


def keep_apart(folder: Path, why: str) -> None:
    """Rename a folder whose result cannot be used: nothing is lost, and nobody waits for it."""
    apart = folder.with_name(f"{APART}{folder.name}")
    for number in itertools.count(2):
        if not apart.exists():
            break
        apart = folder.with_name(f"{APART}{folder.name}-{number}")
    if folder.is_dir():
        folder.rename(apart)
    else:  # a file in its place
        apart.mkdir()
        folder.rename(apart / folder.name)
    (apart / WHY).write_text(f"{why}\n", "utf-8")
    log.warning("%s is kept apart as %s: %s", folder, apart.name, why)


def kept_apart(outbox: Path) -> dict[Path, str]:
    """The folders of an outbox that are kept apart, and why."""
    found = {}
    for folder in sorted(outbox.glob(f"{APART}*")):
        found[folder] = "its reason is lost"
        with contextlib.suppress(OSError, UnicodeDecodeError):
            found[folder] = (folder / WHY).read_text("utf-8").strip()
    return found


def remove_outbox(outbox: Path) -> None:
    """Remove the outbox of a finished study, but for what is kept apart in it."""
    apart = kept_apart(outbox)
    for path in outbox.iterdir() if apart else [outbox]:
        if path in apart:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
