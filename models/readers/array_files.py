"""Folders with a file an array: idx files of the MNIST family, or NumPy's."""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FmsearchError
from ..images import Parts
from ..memory import check_unpacking
from .arrays import Arrays, parts_of
from .faults import raise_if_any
from .npz import UNREADABLE

NAME = re.compile(
    r"(?:.*[-_.])?(train|t10k|test)[-_.](images|imgs|labels)(?:[-_.](?:idx[13][-_.])?ubyte)?"
    r"(\.gz|\.npy|\.npz)?"
)
"""`train-images-idx3-ubyte`, `emnist-letters-test-labels-idx1-ubyte.gz`, `k49-train-imgs.npz`."""
TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""NumPy's types by the third byte of an idx file."""
ROLES = (("train", "images"), ("train", "labels"), ("test", "images"), ("test", "labels"))


def array_files(folder: Path) -> dict[tuple[str, str], list[Path]]:
    """The files of a folder that are named as arrays, by part and kind."""
    found: dict[tuple[str, str], list[Path]] = {}
    for file in sorted(folder.iterdir()):
        match = NAME.fullmatch(file.name.lower())
        if match and ("ubyte" in file.name.lower() or file.suffix in (".npy", ".npz")):
            part = "train" if match[1] == "train" else "test"
            kind = "labels" if match[2] == "labels" else "images"
            found.setdefault((part, kind), []).append(file)
    return found


def read_array_files(folder: Path) -> Parts:
    """Read a folder of such files; nothing pickled is loaded.

    Raises:
        FmsearchError: A file is missing, damaged or there twice, or what `parts_of` raises.
    """
    found, faults = array_files(folder), []
    roles = ROLES if ("test", "images") in found or ("test", "labels") in found else ROLES[:2]
    for role in roles:
        files = found.get(role, [])
        if not files:
            faults.append(f"has no {role[0]} {role[1]}")
        elif len(files) > 1:
            names = " and ".join(file.name for file in files[:2])
            faults.append(f"has {names}, of which one is to be kept")
    raise_if_any(str(folder), faults)
    files = [found[role][0] for role in roles]
    arrays = [_read(file) for file in files]
    return parts_of(
        str(folder),
        Arrays(
            names=tuple(file.name for file in files),
            train=(arrays[0], arrays[1]),
            test=(arrays[2], arrays[3]) if arrays[2:] else None,
        ),
    )


def _read(file: Path) -> npt.NDArray[Any]:
    try:
        if file.suffix in (".npy", ".npz"):
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            with loaded:
                if len(loaded.files) != 1:
                    raise FmsearchError(f"{file} has {len(loaded.files)} arrays; one is expected")
                array: npt.NDArray[Any] = loaded[loaded.files[0]]
                return array
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            return _read_idx(file, opened)
    except (*UNREADABLE, struct.error, zlib.error) as error:
        raise FmsearchError(f"{file} is no readable file of an array ({error})") from error


def _read_idx(file: Path, opened: Any) -> npt.NDArray[Any]:
    """An idx file: two zeros, a type, a number of dimensions, their sizes, the values."""
    zeros, kind, dimensions = struct.unpack(">HBB", opened.read(4))
    if zeros or kind not in TYPES or not 1 <= dimensions <= 4:
        raise FmsearchError(f"{file} is no idx file (it begins otherwise)")
    shape = struct.unpack(f">{dimensions}I", opened.read(4 * dimensions))
    dtype = np.dtype(TYPES[kind])
    size = math.prod(shape) * dtype.itemsize
    check_unpacking(str(file), size)
    content = opened.read(size + 1)
    if len(content) != size:
        more = "more" if len(content) > size else f"{len(content):,}"
        raise FmsearchError(f"{file} is damaged: its head says {size:,} bytes, and it has {more}")
    array = np.frombuffer(content, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)
