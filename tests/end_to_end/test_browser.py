"""MLflow's UI as `fmsearch ui` opens it, in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from ..browser import missing, new_page
from .stack import free_port

SPACE = """\
name: seen
about: Three small networks.
model: mlp
engine: optuna
score: {by: validation}
fixed: {layers: 1, batch_size: 64, epochs: 2}
trials: 3
parameters: {hidden_units: {int: [4, 32]}, optimizer: [adam, rmsprop]}
"""


@dataclass(frozen=True)
class Seen:
    """A browser's page, the address of the UI, and what the store has."""

    page: Any
    address: str
    study: Any
    trials: list[Any]
    model_id: str

    def open(self, where: str) -> None:
        self.page.goto("about:blank")  # else a change behind the # loads nothing
        self.page.goto(f"{self.address}/{where}")

    def shows(self, text: str) -> None:
        self.page.get_by_text(text, exact=False).first.wait_for()


@pytest.fixture(scope="module")
def seen(  # type: ignore[no-untyped-def]
    tmp_path_factory: pytest.TempPathFactory, warm_program, images: Path
) -> Iterator[Seen]:
    """A study that was searched and registered, in `fmsearch ui`."""
    if what := missing():
        pytest.skip(what)
    folder = tmp_path_factory.mktemp("seen")
    (folder / "seen.yaml").write_text(SPACE)
    options = ("--space", "seen.yaml", "--data", images)
    assert warm_program.run(folder, "study", *options).returncode == 0
    done = warm_program.run(folder, "register", "--study", "seen", "--epochs", 1)
    assert done.returncode == 0, done.stderr
    client = MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")
    (study,) = client.search_runs(["1"], "tags.`fmsearch.role` = 'study'")
    trials = client.search_runs(
        ["1"], "tags.`fmsearch.role` = 'trial'", order_by=["metrics.score DESC"]
    )
    (output,) = trials[0].outputs.model_outputs
    port = free_port()
    program = Path(sys.executable).with_name("fmsearch")
    ui = subprocess.Popen(
        [program, "ui", "--port", str(port)], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert ui.stdout is not None
    ui.stdout.readline()
    first_page = ui.stdout.readline().split()[1]
    with new_page() as page:
        page.goto(first_page)
        yield Seen(page, f"http://127.0.0.1:{port}", study, trials, output.model_id)
    ui.terminate()
    ui.wait()
    ui.stdout.close()


def test_the_first_page_is_the_table_of_trials_the_best_first(seen: Seen) -> None:
    best, *_ = names = [run.info.run_name for run in seen.trials]
    seen.page.get_by_role("link", name=best).wait_for()
    shown = seen.page.get_by_role("link", name=re.compile(r"seen-\d{4}")).all_inner_texts()
    assert shown == names
    headers = seen.page.get_by_role("columnheader").all_inner_texts()
    columns = {"score", "best_epoch", "train_seconds", "hidden_units", "optimizer"}
    assert columns <= {header.strip() for header in headers}
    seen.shows("complete")
    assert not seen.page.get_by_text("Ask a question").count()  # of MLflow's assistant


def test_one_click_shows_charts(seen: Seen) -> None:
    seen.page.goto(f"{seen.address}/study/seen")
    seen.page.get_by_role("link", name=seen.trials[0].info.run_name).wait_for()
    seen.page.locator('label:has(input[value="CHART"])').click()
    seen.shows("Parallel Coordinates")
    seen.shows("val_accuracy")
    seen.page.locator(".js-plotly-plot").nth(1).wait_for()  # those in sight are drawn


def test_the_studys_description_is_its_result(seen: Seen) -> None:
    seen.open(f"#/experiments/1/runs/{seen.study.info.run_id}")
    seen.page.get_by_text("Show more").click()
    seen.shows("What mattered")
    best = seen.page.get_by_role("link", name=re.compile(r"^trial \d+$")).first
    assert seen.trials[0].info.run_id in str(best.get_attribute("href"))
    picture = seen.page.locator('img[src*="confusion_matrix.png"]')
    picture.wait_for()
    seen.page.wait_for_function("one => one.naturalWidth > 300", arg=picture.element_handle())


def test_a_trial_shows_its_figures(seen: Seen) -> None:
    run = seen.trials[0].info.run_id
    seen.open(f"#/experiments/1/runs/{run}/artifacts/figures/learning_curves.png")
    picture = seen.page.locator("img[alt^='figures/']")
    picture.wait_for()
    seen.page.wait_for_function("one => one.naturalWidth > 300", arg=picture.element_handle())


def test_a_model_shows_its_metrics_on_its_data(seen: Seen) -> None:
    seen.open(f"#/experiments/1/models/{seen.model_id}")
    seen.shows("score")
    seen.shows("fashion")
    seen.shows(seen.trials[0].info.run_name)


def test_the_registered_model_shows_its_alias(seen: Seen) -> None:
    seen.open("#/models/fashion/versions/1")
    seen.shows("champion")
