"""Folders of pictures: `train/<class>/…` and `test/<class>/…`, or `<class>/…`.

Paths are texts here: a `Path` for each of 100,000 files would take a second.
"""
# ruff: noqa: PTH112, PTH114, PTH116, PTH118, PTH122, PTH208

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .faults import shown_path
from .picture import SUFFIXES

TRAIN, TEST = "train", "test"
PARTS = ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval")
"""Names of folders that are parts of a data set, and no classes."""
LEFT_BY_SYSTEMS = ("thumbs.db", "desktop.ini", "__macosx", "@eadir")
MOST_SUFFIXES = 4


@dataclass(frozen=True)
class PictureFile:
    """A picture's file.

    Attributes:
        path: Below the folder.
        part: `train` or `test`; empty where the folder has no parts.
        label: The class, counted from 0.
        size: In bytes.
    """

    path: str
    part: str
    label: int
    size: int


@dataclass
class Listing:
    """What is in a folder of pictures.

    Attributes:
        class_names: In sorted order, as `keras.utils.image_dataset_from_directory` has them.
        files: In the order of that function: by class, by folder, by name.
        faults: A line each.
        ignored: Numbers of files that are not used, by what they are.
    """

    root: Path
    class_names: tuple[str, ...] = ()
    files: list[PictureFile] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def has_test(self) -> bool:
        """Whether it has test images of its own."""
        return any(one.part == TEST for one in self.files)

    @property
    def told(self) -> tuple[str, ...]:
        """What is not used, in words; empty if all is."""
        if not self.ignored:
            return ()
        most = [what for what, _ in self.ignored.most_common(MOST_SUFFIXES)]
        shown = {what: self.ignored[what] for what in most}
        if rest := self.ignored.total() - sum(shown.values()):
            shown["others"] = rest
        return ("not used: " + ", ".join(f"{count:,} {what}" for what, count in shown.items()),)


def list_pictures(root: Path) -> Listing:
    """List the pictures in a folder, in the order of their classes and names.

    Links to files and to folders of classes are followed, links below them are not.
    """
    listing = Listing(root)
    inside = _folders(listing, "")
    names = set(inside)
    parts: tuple[str, ...] = ("",)
    if TRAIN in names and _folders(Listing(root), TRAIN):  # else it may be a class of vehicles
        parts = (TRAIN, TEST) if TEST in names else (TRAIN,)
        for name in sorted(names - {TRAIN, TEST}):
            listing.ignored[f"folder {name!r}"] += 1
    elif names and all(name.lower() in PARTS for name in names):
        listing.faults.append(
            f"has the folders {', '.join(sorted(names))}, which are no classes; name those for "
            "training and test train and test"
        )
        return listing
    classes = {part: _folders(listing, part) for part in parts} if parts != ("",) else {"": inside}
    listing.class_names = tuple(sorted({name for ours in classes.values() for name in ours}))
    for part, ours in classes.items():
        for name in sorted(set(listing.class_names) - set(ours)):
            others = next(one for one in classes if name in classes[one])
            listing.faults.append(f"{others}/{shown_path(name)} is a class that {part} has not")
    empty = [
        f"{shown_path(os.path.join(part, name))} has no picture"
        for part, ours in classes.items()
        for name in ours
        if not _list_class(listing, part, name)
    ]
    if not listing.files and not listing.faults:
        empty = ["has no folders of classes with pictures in them"]
    listing.faults += empty
    return listing


def _list_class(listing: Listing, part: str, name: str) -> bool:
    """Whether there is something that is named as a picture."""
    label, is_there = listing.class_names.index(name), False
    for path, status in _walk(listing, os.path.join(part, name)):
        is_there = True
        if status is None or not stat.S_ISREG(status.st_mode):
            what = "is a broken link" if status is None else "is no file"
            listing.faults.append(f"{shown_path(path)} {what}")
        elif not status.st_size:
            listing.faults.append(f"{shown_path(path)} is empty")
        else:
            listing.files.append(PictureFile(path, part, label, status.st_size))
    return is_there


def _folders(listing: Listing, below: str) -> list[str]:
    """The names of the folders in a folder, sorted."""
    found = []
    try:
        inside = sorted(os.listdir(listing.root / below))
    except OSError as error:
        listing.faults.append(f"{shown_path(below) or 'it'} cannot be read: {error.strerror}")
        return []
    for name in inside:
        if _is_hidden(name):
            listing.ignored["hidden"] += 1
        elif os.path.isdir(listing.root / below / name):
            found.append(name)
        else:
            listing.ignored[_kind(name)] += 1
    return found


def _walk(listing: Listing, below: str) -> Iterator[tuple[str, os.stat_result | None]]:
    """Files below a folder that are named as pictures, in Keras' order."""

    def refuse(error: OSError) -> None:
        path = os.path.relpath(error.filename, listing.root)
        listing.faults.append(f"{shown_path(path)} cannot be read: {error.strerror}")

    found: dict[str, list[str]] = defaultdict(list)
    for folder, folders, files in os.walk(listing.root / below, onerror=refuse):
        links = [one for one in folders if os.path.islink(os.path.join(folder, one))]
        hidden = [one for one in folders if _is_hidden(one)]
        listing.ignored["linked folders"] += len(links)
        listing.ignored["hidden"] += len(hidden)
        folders[:] = [one for one in folders if one not in hidden]
        found[folder] += files
    listing.ignored = +listing.ignored  # without what was counted 0 times
    for folder in sorted(found):
        for name in sorted(found[folder]):
            path = os.path.join(folder, name)
            if _is_hidden(name):
                listing.ignored["hidden"] += 1
            elif not name.lower().endswith(SUFFIXES):
                listing.ignored[_kind(name)] += 1
            else:
                try:
                    status = os.stat(path)
                except OSError:
                    status = None
                yield os.path.relpath(path, listing.root), status


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LEFT_BY_SYSTEMS


def _kind(name: str) -> str:
    suffix = shown_path(os.path.splitext(name)[1])
    return f"{suffix} files" if suffix else "files without a suffix"
