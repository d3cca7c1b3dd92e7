"""Paired comparison: which of two classifiers is right more often on the same images."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]


def packed(flags: Flags) -> str:
    """Flags as text, base64 of eight in a byte, the first one in its highest bit."""
    return base64.b64encode(np.packbits(flags).tobytes()).decode()


def unpacked(text: str, count: int) -> Flags:
    """As many flags as `packed` was given.

    Raises:
        ValueError: The text is of other flags, or of none.
    """
    flags = np.unpackbits(np.frombuffer(base64.b64decode(text, validate=True), np.uint8))
    if not 0 <= len(flags) - count < 8:
        raise ValueError(f"{len(flags)} flags, not {count}")
    return flags[:count].astype(bool)


@dataclass(frozen=True)
class Pair:
    """On how many images one of two classifiers is right alone.

    Images on which both are right, or both wrong, do not tell them apart. If neither were better,
    each would be right alone on half of the others (McNemar 1947; exact, by the binomial
    distribution).

    Attributes:
        first, second: How many the first one, and the second one, has right alone.
        images: All images.
    """

    first: int
    second: int
    images: int

    @classmethod
    def of(cls, first: Flags, second: Flags) -> Pair:
        """From whether each is right on each image, bool (n,)."""
        return cls(int(np.sum(first & ~second)), int(np.sum(second & ~first)), len(first))

    @property
    def difference(self) -> float:
        """The first one's accuracy less the second one's."""
        return (self.first - self.second) / self.images if self.images else 0.0

    @property
    def p_better(self) -> float:
        """One-sided p: how often chance alone puts the first one so far ahead; 1 if no image does
        tell them apart."""
        return self._p("greater")

    @property
    def p_different(self) -> float:
        """Two-sided p, of a difference in either direction."""
        return self._p("two-sided")

    def _p(self, alternative: str) -> float:
        from scipy.stats import binomtest  # 0.5 s of CPU: not for --help

        apart = self.first + self.second
        if not apart:
            return 1.0
        return float(binomtest(self.first, apart, alternative=alternative).pvalue)
