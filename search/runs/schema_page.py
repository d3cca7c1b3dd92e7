"""The tables of docs/mlflow.md, rendered from the schema.

`python -m fmsearch.search.runs.schema_page docs/mlflow.md` renews them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from .schema import KINDS
from .schema_types import Case, Kind

BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
HEADER = ["| | name | what it says or shows | where |", "|---|---|---|---|"]


def tables() -> str:
    """One section for each kind of run, as Markdown."""
    return "\n".join(line for role, kind in KINDS.items() for line in _section(role, kind)) + "\n"


def _section(role: str, kind: Kind[Any]) -> Iterator[str]:
    yield from ("", f"## Role `{role}`", kind.about, "", *HEADER)
    for what in ("tag", "param", "metric"):
        for name, item in getattr(kind, f"{what}s").items():
            yield _row(what, name, item.says, item.when - kind.always)
    for path, artifact in kind.artifacts.items():
        again = f"; can be made again from {artifact.shows.value}" if artifact.shows else ""
        yield _row("artifact", path, artifact.says + again, artifact.when - kind.always)
    for path, item in kind.written.items():
        yield _row("artifact", path, item.says, item.when)
    if kind.model is not None:
        yield _row("model", "model", kind.model.says, kind.model.when)


def _row(what: str, name: str, says: str, when: Set[Case]) -> str:
    where = ", ".join(case.value for case in Case if case in when)
    return f"| {what} | `{name}` | {says[:1].upper()}{says[1:]} | {where} |"


def renewed(page: str) -> str:
    """The page with the tables as they must be."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}{tables()}\n{end}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(renewed(document.read_text("utf-8")), "utf-8")
