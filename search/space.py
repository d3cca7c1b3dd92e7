"""Search spaces: named parameters, the values they may take, and how a candidate is scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..models.families import FAMILIES, Family
from ..models.settings import Value

Parameters = Mapping[str, Value]


@dataclass(frozen=True)
class Space:
    """A search space; `read_space` makes it from YAML and has checked every part.

    Attributes:
        name: Also the default name of its studies.
        about: One paragraph for readers, may be empty.
        model: A model family, key of `FAMILIES`.
        engine: Who proposes candidates.
        folds: A candidate's score is its mean accuracy over this many folds.
        parameters: For each searched parameter its choices, in the order of the file.
        fixed: Settings that all candidates share.
        text: The YAML that the space was read from.
    """

    name: str
    about: str
    model: str
    engine: str
    folds: int
    parameters: Mapping[str, tuple[Value, ...]]
    fixed: Parameters
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        object.__setattr__(self, "fixed", MappingProxyType(dict(self.fixed)))

    @property
    def family(self) -> Family:
        return FAMILIES[self.model]

    @property
    def size(self) -> int:
        """Number of points of the grid."""
        size = 1
        for choices in self.parameters.values():
            size *= len(choices)
        return size

    def settings(self, point: Parameters) -> dict[str, Value]:
        """Every setting of a training at `point`: its values, the fixed ones, the defaults."""
        return self.family.complete({**self.fixed, **point})
