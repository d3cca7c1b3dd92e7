"""The check whether every point of a space suits the images of a data set."""

from __future__ import annotations

from ...errors import FmsearchError
from ...models.data import DataSet
from ...models.settings import Value
from .load import space_names
from .parameters import Choice, Parameter, Point
from .space import Space


def check_fit(space: Space, data: DataSet) -> None:
    """Check that every point of a space suits the images.

    Raises:
        FmsearchError: The images are too small for the largest network.
    """
    largest = _largest(space)
    always = {name: one for name, one in largest.items() if not space.parameters[name].when}
    for point in (largest, always):  # without conditional parameters, defaults apply
        if reason := space.family.fault(space.settings(point), data.image_shape):
            built_in = f"; `fmsearch spaces {space.name}` prints the space, to copy and change"
            way_out = built_in if space.name in space_names() else ""
            raise FmsearchError(
                f"the space {space.name!r} does not fit {data.name}: {reason}{way_out}"
            )


def _largest(space: Space) -> Point:
    """The largest value of every parameter, whether it applies or not; of texts the first one."""
    point: dict[str, Value] = {}
    for name, parameter in space.parameters.items():
        if not isinstance(parameter.domain, Choice):
            point[name] = parameter.domain.high
        else:
            numbers = [one for one in parameter.domain.values if not isinstance(one, str)]
            point[name] = max(numbers) if numbers else parameter.domain.values[0]
    return point


def example_point(space: Space) -> Point:
    """The point with the first or lowest value of each parameter."""

    def first(name: str, parameter: Parameter) -> Value:  # noqa: ARG001
        domain = parameter.domain
        return domain.values[0] if isinstance(domain, Choice) else domain.low

    return space.point(first)
