"""Text from outside as text: for a terminal and for Markdown, both of which read signs in it.

Data, spaces, users' models and other programs' errors bring it. Figures have `models.labels`,
tables in CSV `search.runs.tables`, and pages in HTML `html.escape`.
"""

from __future__ import annotations

import re

MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~$&!]")
"""What means something to Markdown wherever it stands (CommonMark, and GitHub's tables)."""
MARKDOWN_AT_START = re.compile(r"^([-+=]|\d+[.)])")
"""What makes a list or a heading of a line that begins with it."""


JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Of which Persian words and many emoji are made."""


def printable(text: str) -> str:
    """The text without what steers a terminal: such characters stand as Python writes them."""
    kept = f"\n{JOINERS}"
    return "".join(one if one.isprintable() or one in kept else repr(one)[1:-1] for one in text)


def one_line(text: str) -> str:
    """The text as one printable line."""
    return printable(" ".join(text.split()))


def markdown(text: str) -> str:
    """The text so that Markdown shows it as it is, in lines or in a cell of a table."""
    lines = (MARKDOWN.sub(r"\\\g<0>", line.strip()) for line in text.splitlines())
    return "\n".join(MARKDOWN_AT_START.sub(_escape_last, line) for line in lines)


def _escape_last(found: re.Match[str]) -> str:
    return f"{found[0][:-1]}\\{found[0][-1]}"
