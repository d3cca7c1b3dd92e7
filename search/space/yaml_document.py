"""Reading YAML safely: any file gives a document or one error, without a crash or a long wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import FmsearchError
from .faults import Faults
from .yaml_words import INT, settle

if TYPE_CHECKING:
    import yaml

MOST_BYTES = 100_000
MOST_VALUES = 10_000
MOST_DEPTH = 100
MOST_CHARACTERS = 5_000
"""The most characters of one text; MLflow stores 6,000 of a parameter."""
MOST_INT = 2**53
"""Databases of trials store numbers as floats, which round larger whole numbers."""


def read_text(path: Path) -> str:
    """The text of a YAML file.

    Raises:
        FmsearchError: The file cannot be read, is too large or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise FmsearchError(f"{path} has more than {MOST_BYTES:,} bytes: it is no space file")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FmsearchError(f"cannot read {path}: {error}") from error


def read_document(text: str, source: str, *, strict: bool = True) -> Any:
    """The content of a YAML text.

    Args:
        source: Names the text in messages.
        strict: Whether words are refused that are not what they look like; see `yaml_words`.

    Raises:
        FmsearchError: The text is no YAML, or too large; a key stands twice; or a value cannot be
            stored.
    """
    import yaml

    try:
        _check_depth(text, source)
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        _check(root, loader, source, strict=strict)
        return loader.construct_document(root)
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise FmsearchError(f"{source} is no YAML: {reason}") from error
    # PyYAML raises these, by accident, for `!!bool maybe`, `!!int ''` or `!!timestamp soon`.
    except (ArithmeticError, AttributeError, LookupError) as error:
        raise FmsearchError(f"{source} is no YAML: a value is not of its type: {error}") from error


def _check_depth(text: str, source: str) -> None:
    """Check the depth of events, which PyYAML reads in a loop: it composes nodes by recursion."""
    import yaml

    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEPTH:
            raise FmsearchError(f"{source} is no YAML: it is nested too deeply")


def _check(root: yaml.Node, loader: yaml.SafeLoader, source: str, *, strict: bool) -> None:
    """Check the nodes before Python objects are made of them: their number, keys and values."""
    import yaml

    faults = Faults(source)
    for node in _nodes(root, source):
        line = f"line {node.start_mark.line + 1}"
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, _ in node.value:
                if (name := (key.tag, str(key.value))) in seen:
                    faults.add(f"line {key.start_mark.line + 1}", f"{key.value!r} stands twice")
                seen.add(name)
        elif strict and isinstance(node, yaml.ScalarNode) and (why := settle(node, loader)):
            faults.add(line, why)
        elif isinstance(node, yaml.ScalarNode) and node.tag == INT:
            if abs(loader.construct_yaml_int(node)) > MOST_INT:
                faults.add(line, f"{node.value} is beyond {MOST_INT:,}, as far as numbers are kept")
        elif isinstance(node, yaml.ScalarNode):
            if len(node.value) > MOST_CHARACTERS:
                faults.add(line, f"a text has more than {MOST_CHARACTERS:,} characters")
            elif any(one == "\0" or "\ud800" <= one <= "\udfff" for one in node.value):
                faults.add(line, f"{node.value!r} has characters that no database keeps")
    faults.raise_if_any()


def _nodes(root: yaml.Node, source: str) -> Iterator[yaml.Node]:
    """All nodes; those of an alias once for each use.

    Raises:
        FmsearchError: They are too many: aliases of aliases can stand for billions.
    """
    import yaml

    left = [root]
    for _ in range(MOST_VALUES):
        if not left:
            return
        node = left.pop()
        yield node
        if isinstance(node, yaml.MappingNode):
            left += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            left += node.value
    raise FmsearchError(
        f"{source} has more than {MOST_VALUES:,} values, those behind its aliases included"
    )
