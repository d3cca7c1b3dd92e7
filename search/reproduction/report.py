"""The report of a reproduction: published and measured numbers, as Markdown and as HTML."""

from __future__ import annotations

import base64
import html
import re
import shutil
from pathlib import Path

from ...text import markdown
from ..outbox import SUMMARY
from ..runs.schema import (
    ARCHITECTURE_FIGURE,
    CONFUSION_FIGURE,
    CURVES_FIGURE,
    REPRODUCTION_PAGE,
    REPRODUCTION_TEXT,
)
from .claims import check_claims
from .outcomes import Outcomes
from .plan import ReproductionPlan
from .runs import ReproductionRuns
from .table import HEADER, Row, rows_of

FIGURES = {
    "architecture": ARCHITECTURE_FIGURE,
    "confusion matrix": CONFUSION_FIGURE,
    "learning curves": CURVES_FIGURE,
}
STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;font-size:14px}td,th{border-bottom:1px solid #ddd;"
    "padding:.3em .7em;text-align:left;vertical-align:top}img{max-width:100%}"
    "pre{background:#f6f6f6;padding:1em;overflow:auto;font-size:12px}"
)


def write_report(
    outcomes: Outcomes, plan: ReproductionPlan, run_records: ReproductionRuns, folder: Path
) -> None:
    """Write the report as `reproduction.md`, with pictures, and as one `.html` page.

    The pictures of an experiment are those of its first seed.
    """
    parts = [_heading(outcomes), table(rows_of(outcomes)), _claims(outcomes), _choices(outcomes)]
    for experiment in outcomes.experiments:
        results = outcomes.trained.get(experiment.id)
        source = plan.entry(experiment, 0) / "artifacts"
        if results:
            source = run_records.draw(experiment, 0, results[0]).folder
        parts += [f"## {experiment.id}: {experiment.title}"]
        if experiment.open:
            parts += ["Not published, and chosen:", _list(experiment.open)]
        for name, figure in FIGURES.items():
            if (source / figure).exists():
                place = Path("figures", experiment.id, Path(figure).name)
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / figure, folder / place)
                parts += [f"![{experiment.id}, {name}]({place})"]
        parts += [f"```text\n{(source / SUMMARY).read_text('utf-8').rstrip()}\n```"]
    text = "\n\n".join(part for part in parts if part) + "\n"
    (folder / REPRODUCTION_TEXT).write_text(text, "utf-8")
    (folder / REPRODUCTION_PAGE).write_text(_page(text, folder), "utf-8")


def table(rows: list[Row]) -> str:
    """The table of all experiments, as Markdown."""
    lines = [HEADER, tuple("---" for _ in HEADER), *(row.cells for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _heading(outcomes: Outcomes) -> str:
    said = "Each number is of models trained for this report; the spread is that between seeds."
    if outcomes.rehearsal:
        said = f"**A rehearsal, with {outcomes.rehearsal}: its numbers say nothing.** {said}"
    return f"# The published experiments again\n\n{said}"


def _claims(outcomes: Outcomes) -> str:
    claims = check_claims(outcomes)
    if not claims:
        return ""
    lines = [f"| {one.text} | {one.verdict} | {markdown(one.evidence)} |" for one in claims]
    return "\n".join(["## Claims", "", "| claim | holds | by |", "|---|---|---|", *lines])


def _choices(outcomes: Outcomes) -> str:
    if not outcomes.chosen:
        return ""
    lines = [
        f"| {name} | {markdown(one.study)} | {one.trials} | {one.score:.4f} "
        f"| {markdown(_values(one.point))} |"
        for name, one in outcomes.chosen.items()
    ]
    return "\n".join(
        [
            "## Open settings, chosen on validation images",
            "",
            "Each by a study of its own, whose trials stand in MLflow; no test image was read.",
            "",
            "| of | study | trials | best accuracy | chosen |",
            "|---|---|---|---|---|",
            *lines,
        ]
    )


def _values(point: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in dict(point).items())  # type: ignore[call-overload]


def _list(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _page(text: str, folder: Path) -> str:
    """The report as one HTML page that includes its pictures."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)

    def inline(found: re.Match[str]) -> str:
        picture = base64.b64encode((folder / html.unescape(found[1])).read_bytes()).decode()
        return f'src="data:image/png;base64,{picture}"'

    body = re.sub(r'src="([^"]+)"', inline, body)
    head = "<!doctype html><meta charset='utf-8'><title>The published experiments again</title>"
    return f"{head}<style>{STYLE}</style>{body}"
