"""Checksums: what a folder held when it was filled, as `sha256sum` lists it and can check it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

CHECKSUMS = "SHA256SUMS"
IS_DAMAGED, IS_MISSING = "is damaged", "is missing"

Checksums = Mapping[str, str]
"""SHA-256 of files in hexadecimal digits, by their paths below a folder, with `/`."""


def checksum(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def checksums(folder: Path) -> Checksums:
    """Of all files below a folder but its list of checksums."""
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*")}
    files.pop(CHECKSUMS, None)
    return {path: checksum(files[path]) for path in sorted(files) if files[path].is_file()}


def write_checksums(folder: Path, earlier: Checksums | None = None) -> None:
    """Write a folder's list of checksums into it, with those of `earlier` files elsewhere."""
    lines = {**(earlier or {}), **checksums(folder)}
    text = "".join(f"{lines[path]}  {path}\n" for path in sorted(lines))
    (folder / CHECKSUMS).write_text(text, "utf-8")


def read_checksums(file: Path) -> Checksums:
    """Read a list of checksums.

    Raises:
        OSError: There is no such file.
        ValueError: It is damaged.
    """
    found = {}
    for line in file.read_text("utf-8").splitlines(keepends=True):
        if not (match := re.fullmatch("([0-9a-f]{64})  (.+)\n", line)):
            raise ValueError(f"{file.name} is damaged")
        found[match[2]] = match[1]
    return found


def damages(folder: Path, listed: Checksums) -> dict[str, str]:
    """What is wrong with the files in a folder that are not as they were listed, by path."""
    found = {}
    for path, listed_as in listed.items():
        file = folder / path
        if not file.is_file():
            found[path] = IS_MISSING
        elif checksum(file) != listed_as:
            found[path] = IS_DAMAGED
    return found
