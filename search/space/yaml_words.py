"""Words of YAML without quotes: numbers as everybody writes them, and no surprises.

YAML 1.1, which PyYAML reads, takes 064 for 52, 1:30 for 90, `on` for true and 1e-4 for a text. Here
a decimal number is a number, as in YAML 1.2, and what the two versions read in different ways is
refused.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

TAG = "tag:yaml.org,2002:"
INT, FLOAT, BOOL, DATE, DEFAULT = (
    TAG + kind for kind in ("int", "float", "bool", "timestamp", "value")
)
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
"""A number: that of YAML 1.2's core schema, https://yaml.org/spec/1.2.2/#1032-tag-resolution."""
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
OCTAL = re.compile(r"0o[0-7]+")
NOT_FINITE = re.compile(r"[-+]?\.?(inf|infinity|nan)", re.IGNORECASE)


def settle(node: yaml.ScalarNode, loader: yaml.SafeLoader) -> str:
    """Let a word without quotes be what it looks like.

    Returns:
        Why the word is refused, and what to write; empty if it is not refused.
    """
    word = str(node.value)
    if node.style is not None:  # it is in quotes, or a block of text
        return ""
    if NOT_FINITE.fullmatch(word):
        return f"{word} is no finite number; {_quoted(word)}, if a word is meant"
    if LEADING_ZERO.fullmatch(word) or OCTAL.fullmatch(word):
        decimal, octal = int(re.sub("[+o]", "", word)), _octal(word)
        numbers = decimal if octal in (None, decimal) else f"{decimal} or {octal}"
        return f"{word} may be read in several ways; write {numbers}, or {_quoted(word)}"
    if DECIMAL.fullmatch(word):
        node.tag = INT if node.tag == INT else FLOAT
        is_finite = node.tag == INT or math.isfinite(float(word))
        return (
            ""
            if is_finite
            else f"{word} is too large for a number; {_quoted(word)}, if a word is meant"
        )
    if node.tag in (DATE, DEFAULT):
        return f"{word} is read as {'a date' if node.tag == DATE else 'a default'}; {_quoted(word)}"
    is_agreed = HEXADECIMAL.fullmatch(word) or word.lower() in ("true", "false")
    if node.tag in (BOOL, INT, FLOAT) and not is_agreed:
        value = str(loader.construct_object(node)).lower()
        return f"{word} is read as {value}; write {value}, or {_quoted(word)}"
    return ""


def _octal(word: str) -> int | None:
    digits = word.lstrip("+-").replace("o", "")
    if not re.fullmatch("[0-7]+", digits):
        return None
    return int(digits, 8) * (-1 if word.startswith("-") else 1)


def _quoted(word: str) -> str:
    return f'put it in quotes: "{word}"'
