"""Decoding pictures on all cores, into one array that all of them map."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from ...errors import FmsearchError
from ..images import Pixels
from .faults import shown_path
from .picture import Look, PictureError, fitted, look, read

FEW = 200
"""So many pictures are read faster than processes are started."""
CHUNK = 64

OnProgress = Callable[[int, int], None]
"""Called with how many of how many pictures are done."""
Work = TypeVar("Work")
Answer = TypeVar("Answer")


def no_progress(done: int, total: int) -> None:
    """Shows nothing."""


@dataclass(frozen=True)
class Target:
    """Where decoded pictures go.

    Attributes:
        file: Of the array, `.npy`, uint8 (n, h, w) or (n, h, w, c).
        shape: Of one image.
    """

    file: Path
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """One picture to be decoded: its path, the SHA-256 that it had, and its place in the array."""

    path: str
    sha256: bytes
    row: int


def look_at_all(root: Path, paths: Sequence[str], on_progress: OnProgress) -> list[Look | str]:
    """Look at the heads of pictures; gives the fault of one that cannot be read."""
    return list(_spread(_Looking(root), paths, on_progress))


def decode_all(
    root: Path, tasks: Sequence[Task], target: Target, on_progress: OnProgress
) -> list[str]:
    """Decode pictures into the target; gives the faults of those that cannot be read."""
    answers = _spread(_Decoding(root, target), tasks, on_progress)
    return [fault for fault in answers if fault]


def hash_all(root: Path, paths: Sequence[str]) -> tuple[list[bytes], list[str]]:
    """The SHA-256 of each file, empty for one that cannot be read, and the faults of those."""
    hashes, faults = [], []
    for path in paths:
        try:
            with (root / path).open("rb", buffering=0) as file:
                hashes.append(hashlib.sha256(file.readall()).digest())
        except OSError as error:
            hashes.append(b"")
            faults.append(f"{shown_path(path)} cannot be read: {error.strerror}")
    return hashes, faults


@dataclass(frozen=True)
class _Looking:
    root: Path

    def __call__(self, path: str) -> Look | str:
        try:
            return look(self.root / path)
        except PictureError as error:
            return f"{shown_path(path)} {error}"


@dataclass(frozen=True)
class _Decoding:
    root: Path
    target: Target

    def __call__(self, task: Task) -> str:
        shape = self.target.shape
        try:
            content = (self.root / task.path).read_bytes()
            if hashlib.sha256(content).digest() != task.sha256:
                return f"{shown_path(task.path)} was changed while it was read"
            picture = read(io.BytesIO(content), is_grey=len(shape) == 2)
            self._pixels[task.row] = fitted(picture, shape)
        except PictureError as error:
            return f"{shown_path(task.path)} {error}"
        except OSError as error:
            return f"{shown_path(task.path)} cannot be read: {error.strerror}"
        return ""

    @cached_property
    def _pixels(self) -> Pixels:
        pixels: Pixels = np.load(self.target.file, mmap_mode="r+")
        return pixels


def _spread(
    work: Callable[[Work], Answer], tasks: Sequence[Work], on_progress: OnProgress
) -> Iterator[Answer]:
    """Do tasks in as many processes as there are cores; gives the answers in their order.

    Raises:
        FmsearchError: A process died.
    """
    cores = len(os.sched_getaffinity(0))
    chunks = [tasks[first : first + CHUNK] for first in range(0, len(tasks), CHUNK)]
    done = 0
    if len(tasks) <= FEW or cores == 1:
        for chunk in chunks:
            yield from map(work, chunk)
            done += len(chunk)
            on_progress(done, len(tasks))
        return
    context = multiprocessing.get_context("fork")  # they have what they need, and compute alone
    with ProcessPoolExecutor(min(cores, len(chunks)), context, _begin) as pool:
        try:
            for answers in pool.map(_do, [work] * len(chunks), chunks):
                yield from answers
                done += len(answers)
                on_progress(done, len(tasks))
        except BrokenProcessPool as error:
            raise FmsearchError(
                "a process that reads pictures died, as when memory runs out or a picture is made "
                f"to do harm; it was one of {len(tasks) - done:,}"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _do(work: Callable[[Work], Answer], tasks: Sequence[Work]) -> list[Answer]:
    return [work(task) for task in tasks]


def _begin() -> None:
    """Let a process leave Ctrl-C to the one that it reads for, and end with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
