"""Measures fmsearch beside what people use instead, and writes docs/benchmarks.md.

    python benchmarks/bench.py                      # all parts, the short form; also `make bench`
    python benchmarks/bench.py --form long          # also `make bench-long`
    python benchmarks/bench.py grid search          # some parts
    python benchmarks/bench.py --form tiny --write /tmp/bench       # whether everything runs
    python benchmarks/bench.py --page               # only the page, from the results that are there

The peers want `pip install -c constraints.txt -c benchmarks/constraints.txt -e '.[dev,bench]'`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from comparison.page import PARTS, draw_all, page, with_figures
from comparison.result import FORMS, here_and_now, read_all, write

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure, write the results, then the page, its plots and README's figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--form", choices=FORMS, default="short", help="how much [default: short]")
    parser.add_argument("--write", type=Path, help="results, page and plots into this folder only")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if options.form == "tiny" and not options.write:
        parser.error("--form tiny shows only that everything runs; it wants --write DIRECTORY")
    results = options.write or ROOT / "benchmarks" / "results"
    failed = []
    for name in [] if options.page else options.parts or PARTS:
        try:
            measure(name, options.form, results)
        except RuntimeError as error:  # a command failed; the other parts need it not
            print(f"{name}: {error}", file=sys.stderr)
            failed.append(name)
        write_page(results, options.write)  # after each part: an interruption loses one of them
    write_page(results, options.write)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def measure(name: str, form: str, results: Path) -> None:
    """Measure one part and write its result."""
    load, begin, rows = os.getloadavg()[0], time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        for row in PARTS[name].measure(form, Path(folder)):
            rows.append(row)
            said = {key: value for key, value in row.items() if not isinstance(value, list)}
            print(f"{time.monotonic() - begin:5.0f} s  {name}: {said}", flush=True)
    command = f"python benchmarks/bench.py {name} --form {form}"
    write(here_and_now(name, form, command, rows, load), results)


def write_page(results: Path, apart: Path | None) -> None:
    """Write what follows from the results that are there."""
    found = read_all(results)
    docs = apart or ROOT / "docs"
    (docs / "pictures").mkdir(exist_ok=True)
    (docs / "benchmarks.md").write_text(page(found), "utf-8")
    draw_all(found, docs / "pictures")
    if apart is None:
        readme = ROOT / "README.md"
        readme.write_text(with_figures(readme.read_text("utf-8"), found), "utf-8")


if __name__ == "__main__":
    main()
