"""Makes the screenshots of docs/guide.md anew, from a study of the real data: `make pictures`.

It needs Debian's Chromium, and takes about two minutes.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import browser

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SPACE = """\
name: guide
about: How wide, and with how much dropout?
model: mlp
engine: optuna
score: {by: validation}
fixed: {layers: 1, epochs: 5}
trials: 12
parameters:
  hidden_units: {int: [8, 256], log: true}
  dropout_rate: {float: [0.0, 0.5]}
  optimizer: [adam, rmsprop]
"""


def main() -> None:
    """Search, register, and look at each page."""
    if what := browser.missing():
        sys.exit(what)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "guide.yaml").write_text(SPACE)
        _run(folder, "study", "--space", "guide.yaml", "--train-images", "12000")
        _run(folder, "register", "--study", "guide", "--epochs", "3")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        command = [*_program(), "ui", "guide", "--port", port]
        ui = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            assert ui.stdout is not None
            ui.stdout.readline()
            _look(ui.stdout.readline().split()[1])
        finally:
            ui.terminate()
            ui.wait()


def _program() -> list[str]:
    return [sys.executable, "-m", "fmsearch.cli"]


def _run(folder: str, *arguments: str) -> None:
    subprocess.run([*_program(), *arguments], cwd=folder, check=True)


def _look(first: str) -> None:
    server = first.partition("/study/")[0]
    with browser.new_page(1300, 900) as page:
        page.goto(first)
        best = page.get_by_role("link", name=re.compile(r"guide-\d{4}")).first
        best.wait_for()
        trial = str(best.get_attribute("href"))
        page.screenshot(path=PICTURES / "guide_trials.png")
        page.locator('label:has(input[value="CHART"])').click()
        page.locator(".js-plotly-plot").nth(1).wait_for()  # those in sight are drawn
        page.wait_for_timeout(1_000)  # the charts move into their places
        page.screenshot(path=PICTURES / "guide_charts.png")
        page.goto("about:blank")
        page.goto(f"{server}/{trial[trial.index('#') :]}")
        page.get_by_role("link", name="guide", exact=True).first.click()  # the study's run
        page.get_by_text("Show more").click()
        page.locator('img[src*="confusion_matrix.png"]').wait_for()
        page.wait_for_timeout(1_000)
        page.screenshot(path=PICTURES / "guide_study.png")
        page.goto("about:blank")
        page.goto(f"{server}/{trial[trial.index('#') :]}/artifacts/figures/learning_curves.png")
        page.locator("img[alt^='figures/']").wait_for()
        page.wait_for_timeout(1_000)
        page.screenshot(path=PICTURES / "guide_figures.png")
        page.goto("about:blank")
        page.goto(f"{server}/#/models/fashion-mnist/versions/1")
        page.get_by_text("champion").first.wait_for()
        page.screenshot(path=PICTURES / "guide_model.png")


if __name__ == "__main__":
    main()
