"""Damaged files of a store: they are not as their checksums say, or cannot be opened."""

from __future__ import annotations

import csv
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..checksums import CHECKSUMS, IS_DAMAGED, IS_MISSING, damages, read_checksums

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository


def damaged_files(artifacts: ArtifactRepository, files: Set[str]) -> Mapping[str, str]:
    """What is wrong with some files, by path; those that earlier versions wrote are only opened.

    Args:
        artifacts: Where they are.
        files: Their paths; what the list of checksums has beside them is missing.
    """
    with _here(artifacts, files) as folder:
        found, listed = {}, {}
        if CHECKSUMS in files:
            try:
                listed = dict(read_checksums(folder / CHECKSUMS))
            except ValueError:
                found[CHECKSUMS] = IS_DAMAGED
        found |= damages(folder, {path: listed[path] for path in listed.keys() & files})
        unlisted = files - listed.keys() - {CHECKSUMS}
        found |= {path: IS_DAMAGED for path in unlisted if not _opens(folder / path)}
        return {**found, **dict.fromkeys(listed.keys() - files, IS_MISSING)}


@contextmanager
def _here(artifacts: ArtifactRepository, files: Set[str]) -> Iterator[Path]:
    """The folder that has the files, on this machine."""
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    if isinstance(artifacts, LocalArtifactRepository):
        yield Path(artifacts.artifact_dir)
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            artifacts.download_artifacts(path, folder)  # type: ignore[no-untyped-call]
        yield Path(folder)


def _opens(file: Path) -> bool:
    """Whether a file can be read as what its name says."""
    read = READERS.get(file.suffix)
    try:
        return read is None or bool(read(file))
    except (OSError, ValueError, KeyError, SyntaxError, csv.Error, zipfile.BadZipFile):
        return False


def _json(file: Path) -> bool:
    json.loads(file.read_text("utf-8"))
    return True


def _csv(file: Path) -> bool:
    with file.open(newline="", encoding="utf-8") as text:
        return len({len(row) for row in csv.reader(text, strict=True)}) == 1


def _png(file: Path) -> bool:
    from PIL import Image

    with Image.open(file) as image:
        image.verify()
    return True


def _keras(file: Path) -> bool:
    with zipfile.ZipFile(file) as parts:
        return parts.testzip() is None and "config.json" in parts.namelist()


READERS: Mapping[str, Callable[[Path], bool]] = {
    ".json": _json,
    ".csv": _csv,
    ".png": _png,
    ".keras": _keras,
}
