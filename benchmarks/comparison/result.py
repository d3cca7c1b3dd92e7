"""What one run of a part measured, as a JSON file keeps it."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

PACKAGES = (
    *("tensorflow", "keras", "keras-tuner", "scikit-learn", "scikeras", "optuna"),
    *("optuna-integration", "mlflow", "ray", "numpy"),
)
FORMS = ("tiny", "short", "long")
"""How much is measured; `tiny` shows only that everything runs."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of a part.

    Attributes:
        form: One of `FORMS`.
        command: What was run.
        date: Of the end, in UTC.
        rows: Each single value that was measured, in order; `way` says of what.
    """

    part: str
    form: str
    command: str
    date: str
    machine: dict[str, Any]
    versions: dict[str, str]
    rows: list[Row]

    def values(self, key: str, of: Callable[[Row], object] | None = None) -> dict[str, list[Any]]:
        """What each way has under that key, in the order measured."""
        found: dict[str, list[Any]] = {}
        for row in self.rows:
            if key in row and (of is None or of(row)):
                found.setdefault(row["way"], []).append(row[key])
        return found

    @property
    def file(self) -> str:
        return f"{self.part}.{self.form}.json"


def here_and_now(part: str, form: str, command: str, rows: list[Row], load: float) -> Result:
    """A result of this machine; `load` is its load average before the part began."""
    return Result(
        part=part,
        form=form,
        command=command,
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        machine={**machine(), "load_before": round(load, 2)},
        versions=dict(_versions()),
        rows=rows,
    )


def machine() -> dict[str, Any]:
    """Processor, cores that may be used, and whether it has AVX-512."""
    text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    about = {key: re.search(rf"^{key}\s*: (.*)$", text, re.MULTILINE) for key in _CPUINFO}
    said = {key: found[1] if found else "" for key, found in about.items()}
    name = said["model name"] or platform.processor()
    return {
        "processor": f"{name}, family {said['cpu family']}, model {said['model']}",
        "cores": len(os.sched_getaffinity(0)),
        "avx512": "avx512f" in said["flags"].split(),
        "avx512_vnni": "avx512_vnni" in said["flags"].split(),
    }


_CPUINFO = ("model name", "cpu family", "model", "flags")


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed"


def write(result: Result, folder: Path) -> None:
    """Write it into its file."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ",\n  ".join(json.dumps(row) for row in result.rows)
    head = json.dumps({**asdict(result), "rows": []}, indent=1)
    text = head.replace('"rows": []', f'"rows": [\n  {rows}\n ]')
    (folder / result.file).write_text(text + "\n", "utf-8")


def read_all(folder: Path) -> list[Result]:
    """All results in a folder."""
    files = sorted(folder.glob("*.json"))
    return [Result(**json.loads(file.read_text("utf-8"))) for file in files]


def spread(values: list[float], digits: int = 1) -> str:
    """The median, and all values or their range if there are several."""
    middle = f"{median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f}, n = {len(values)})"


def ratios(values: list[float], to: list[float]) -> list[float]:
    """Each value divided by the one of the same round."""
    return [value / other for value, other in zip(values, to, strict=True)]


def table(header: str, rows: list[list[str]]) -> str:
    """A Markdown table; the header's columns are separated by |."""
    columns = [column.strip() for column in header.split("|")]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
