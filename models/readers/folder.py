"""Folders of pictures, decoded once into the cache."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..cache import Entry, kept
from ..new_entry import Maker
from .arrays import FEWEST_PER_CLASS
from .decoding import OnProgress, Target, Task, decode_all, hash_all, look_at_all
from .faults import raise_if_any, shown_path
from .hold_out import HOLD_OUT, hold_out
from .listing import TEST, Listing, PictureFile, list_pictures
from .picture import RESIZED, Look

FORMAT = 1
"""Of what pictures become; another number makes all entries of the cache anew."""

Size = tuple[int, int]
"""Height and width."""


def read_folder(root: Path, size: Size | None, on_progress: OnProgress) -> Entry:
    """The entry of a folder's pictures in the cache, made if there is none.

    Every file is read each time, for its hash; pictures are decoded once.

    Args:
        root: The folder.
        size: Of the images; None for the most frequent size of the pictures.
        on_progress: Called as pictures are decoded.

    Raises:
        DataFaultsError: Files or classes cannot be used; all faults are in it.
        FmsearchError: The cache cannot be written.
    """
    listing = list_pictures(root)
    hashes, unread = hash_all(root, [one.path for one in listing.files])
    faults = [*listing.faults, *unread, *_equal_classes(listing, hashes), *_scarce(listing)]
    names = [shown_path(name) for name in listing.class_names]
    key = hashlib.sha256(json.dumps([FORMAT, size, names, faults]).encode())
    for one, content in zip(listing.files, hashes, strict=True):
        key.update(f"{one.part} {one.label} ".encode() + os.fsencode(one.path) + b"\0" + content)
    source = _Pictures(listing, hashes, faults, size, on_progress)
    entry = kept(key.hexdigest()[:40], source.decode)
    told = (*entry.parts.conversions, *listing.told)  # what is not used is of no entry
    return replace(entry, parts=replace(entry.parts, conversions=told))


@dataclass(frozen=True)
class _Pictures:
    """The pictures of a folder, to be decoded.

    Attributes:
        hashes: SHA-256 of each file.
        faults: That are known already.
    """

    listing: Listing
    hashes: Sequence[bytes]
    faults: Sequence[str]
    size: Size | None
    on_progress: OnProgress

    def decode(self, maker: Maker) -> None:
        files, root = self.listing.files, self.listing.root
        answers = look_at_all(root, [one.path for one in files], self.on_progress)
        looks = {row: one for row, one in enumerate(answers) if isinstance(one, Look)}
        faults = [*self.faults, *(one for one in answers if isinstance(one, str))]
        if not looks:
            raise_if_any(str(root), faults)
        size = self.size or _most_frequent([one.size for one in looks.values()])
        is_grey = not any(one.has_colour for one in looks.values())
        order, train = self._order()
        new = maker.new_images(len(files), size if is_grey else (*size, 3))
        tasks = [
            Task(files[row].path, self.hashes[row], place)
            for place, row in enumerate(order)
            if row in looks
        ]
        target = Target(new.file, new.pixels.shape[1:])
        faults += decode_all(root, tasks, target, self.on_progress)
        raise_if_any(str(root), faults)
        new.labels[:] = [files[row].label for row in order]
        names = tuple(shown_path(name) for name in self.listing.class_names)
        told = self._told(list(looks.values()), size, is_grey)
        maker.finish(new, train, names, told, [shown_path(files[row].path) for row in order])

    def _order(self) -> tuple[list[int], int]:
        """The files in the order of the images, training images first, and how many these are."""
        files = self.listing.files
        if self.listing.has_test:
            test = {row for row, one in enumerate(files) if one.part == TEST}
        else:
            labels = np.array([one.label for one in files], np.int32)
            test = set(hold_out(labels, self.hashes).tolist())
        train = [row for row in range(len(files)) if row not in test]
        return [*train, *sorted(test)], len(train)

    def _told(self, looks: list[Look], size: Size, is_grey: bool) -> tuple[str, ...]:
        counts = Counter(what for one in looks for what in one.conversions)
        if others := [one.size for one in looks if one.size != size]:
            small, large = (pick(others, key=math.prod) for pick in (min, max))
            of = f"{small[0]} x {small[1]} to {large[0]} x {large[1]}"
            counts[f"{RESIZED}, which were {of}"] = len(others)
        grey = sum(not one.has_colour for one in looks)
        if not is_grey and grey:
            counts["grey and made RGB, as others have colours"] = grey
        why = "as asked" if self.size else "the most frequent size"
        done = [f"{count:,} {what}" for what, count in sorted(counts.items())]
        images = f"{len(looks):,} pictures became {'grey' if is_grey else 'RGB'} images of "
        line = f"{images}{size[0]} x {size[1]} (height x width), {why}"
        held = () if self.listing.has_test else (HOLD_OUT,)
        return ("; ".join([line, *done]), *held)


def _most_frequent(sizes: Sequence[Size]) -> Size:
    """Of equally frequent sizes the largest."""
    return max(Counter(sizes).items(), key=lambda one: (one[1], one[0][0] * one[0][1], one[0]))[0]


def _equal_classes(listing: Listing, hashes: Sequence[bytes]) -> list[str]:
    """A fault for each class that has the same pictures as an earlier one."""
    found: dict[str, set[bytes]] = defaultdict(set)
    for one, content in zip(listing.files, hashes, strict=True):
        found[_where(one, listing)].add(content)
    first: dict[frozenset[bytes], str] = {}
    faults = []
    for where, contents in found.items():
        before = first.setdefault(frozenset(contents), where)
        if before != where:
            faults.append(f"{before} and {where} have the same pictures")
    return faults


def _scarce(listing: Listing) -> list[str]:
    """A fault for each class with too few training pictures, and one for a lonely class."""
    if listing.files and len(listing.class_names) == 1:
        return ["has one class; two are needed"]
    fewest = FEWEST_PER_CLASS + (not listing.has_test)
    training = [one for one in listing.files if one.part != TEST]
    counts = Counter(_where(one, listing) for one in training)
    return [
        f"{where} has {count} picture{'s' * (count != 1)}; each class needs at least {fewest}"
        for where, count in counts.items()
        if count < fewest
    ]


def _where(one: PictureFile, listing: Listing) -> str:
    name = shown_path(listing.class_names[one.label])
    return f"{one.part}/{name}" if one.part else name
