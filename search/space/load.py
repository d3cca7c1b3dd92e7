"""Loading a space by name or from a YAML file."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path

from ...errors import FmsearchError
from .reader import KEYS, Reader
from .space import Space
from .yaml_document import read_document, read_text


def space_names() -> list[str]:
    """Names of the built-in spaces, sorted."""
    folder = resources.files(__package__) / "builtin"
    return sorted(
        file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")
    )


def load_space(spec: str) -> Space:
    """A space by its built-in name or by the path of a YAML file.

    Raises:
        FmsearchError: There is no such space, or the file has faults, all of which are listed.
    """
    if spec in space_names():
        text = (resources.files(__package__) / "builtin" / f"{spec}.yaml").read_text("utf-8")
        return read_space(text, spec)
    path = Path(spec)
    try:
        there = path.is_file()
    except OSError:  # the name is too long
        there = False
    if not there:
        names = space_names()
        near = difflib.get_close_matches(spec, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"built-in spaces: {', '.join(names)}"
        raise FmsearchError(f"no space {spec!r} and no file of that name; {hint}")
    return read_space(read_text(path), str(path))


def read_space(text: str, source: str, *, recorded: bool = False) -> Space:
    """Read a space from YAML text.

    Args:
        source: Names the text in messages.
        recorded: Whether a study has it on record, so that an earlier version may have accepted
            what is refused today; it is read as that version read it.

    Raises:
        FmsearchError: The text is no YAML mapping, or has faults, all of which are listed.
    """
    try:
        return _read(text, source, strict=True)
    except FmsearchError:
        if not recorded:
            raise
        return _read(text, source, strict=False)


def _read(text: str, source: str, *, strict: bool) -> Space:
    document = read_document(text, source, strict=strict)
    if not isinstance(document, dict):
        raise FmsearchError(
            f"{source} must be a mapping with the keys {', '.join(KEYS)}, "
            f"but is a {type(document).__name__}"
        )
    return Reader(document, source, strict=strict).read(text)
