"""Images that are in a data set twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

from .images import Parts

MOST_PAIRS = 100

Pair = tuple[str, str]


@dataclass(frozen=True)
class Duplicates:
    """Images with equal pixels, by what tells a reader which they are.

    Attributes:
        tested: How many test images are training images, too.
        contradictory: How many images are in another class a second time.
        repeated: How many training images are there before.
        tested_pairs, contradictory_pairs: The first `MOST_PAIRS` of these.
    """

    tested: int
    contradictory: int
    repeated: int
    tested_pairs: tuple[Pair, ...]
    contradictory_pairs: tuple[Pair, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """In words, a line each; one that says so if there are none."""
        found = []
        if self.tested:
            found.append(
                f"test images that are training images, too: {self.tested:,}, such as "
                f"{' and '.join(self.tested_pairs[0])}; of these the test accuracy says nothing"
            )
        if self.contradictory:
            found.append(
                f"images in two classes: {self.contradictory:,}, such as "
                f"{' and '.join(self.contradictory_pairs[0])}"
            )
        if self.repeated:
            found.append(f"training images that are there more than once: {self.repeated:,}")
        return tuple(found) or ("no image",)

    @property
    def as_json(self) -> dict[str, object]:
        """The same as values of JSON."""
        return {
            "test_in_training": self.tested,
            "in_two_classes": self.contradictory,
            "training_repeated": self.repeated,
            "test_in_training_pairs": self.tested_pairs,
            "in_two_classes_pairs": self.contradictory_pairs,
        }


def find_duplicates(parts: Parts) -> Duplicates:
    """Find images with equal pixels, by their hashes."""
    first: dict[bytes, int] = {}
    classes: dict[bytes, set[int]] = defaultdict(set)
    tested: list[tuple[int, int]] = []
    contradictory: list[tuple[int, int]] = []
    repeated, train = 0, len(parts.train)
    for start, images in ((0, parts.train), (train, parts.test)):
        for row, (pixels, label) in enumerate(
            zip(images.pixels, images.labels.tolist(), strict=True), start
        ):
            content = hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()
            before = first.setdefault(content, row)
            if classes[content] and label not in classes[content]:
                contradictory.append((before, row))
            classes[content].add(label)
            if before < train <= row:
                tested.append((before, row))
            repeated += before < row < train

    def named(pairs: list[tuple[int, int]]) -> tuple[Pair, ...]:
        return tuple((parts.name(one), parts.name(two)) for one, two in pairs[:MOST_PAIRS])

    return Duplicates(
        len(tested), len(contradictory), repeated, named(tested), named(contradictory)
    )
