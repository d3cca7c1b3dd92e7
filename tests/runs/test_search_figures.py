"""Figures of a search: which there are, and that many parameters and trials can be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from PIL import Image

from fmsearch.search.runs.search_figures import draw

Draw = Callable[[dict[str, str]], Path]


def fill(study: optuna.Study, *, trials: int) -> None:
    """Trials of 16 parameters, some of which apply to half of the trials."""
    for number in range(trials):
        trial = study.ask()
        depth = trial.suggest_int("depth", 1, 2)
        for block in range(1, 6):
            if block <= 2 or depth == 2:
                trial.suggest_int(f"filters_{block}", 16, 64, step=16)
                trial.suggest_categorical(f"head_{block}", ["flatten", "average"])
                trial.suggest_float(f"rate_{block}", 1e-4, 1e-2, log=True)
        scores = [number / trials / epoch for epoch in (2, 1)]
        if len(study.directions) > 1:
            study.tell(trial, [scores[-1], 1000.0 + number])
            continue
        for epoch, score in enumerate(scores, start=1):
            trial.report(score, epoch)
        study.tell(trial, scores[-1])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """Draws a study of some objectives, once."""
    folders: dict[tuple[str, ...], Path] = {}

    def draw_once(objectives: dict[str, str]) -> Path:
        key = tuple(objectives)
        if key not in folders:
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            sampler = optuna.samplers.RandomSampler(seed=0)
            study = optuna.create_study(
                directions=list(objectives.values()), sampler=sampler, study_name="mine"
            )
            fill(study, trials=30)
            folders[key] = tmp_path_factory.mktemp("drawn") / "search"
            folders[key].mkdir()
            draw(study, objectives, folders[key] / "search.html")
        return folders[key]

    return draw_once


ONE = {"score": "maximize"}
TWO = {"score": "maximize", "parameters": "minimize"}


def size(folder: Path, name: str) -> tuple[int, int]:
    with Image.open(folder / f"{name}.png") as picture:
        return picture.size


@pytest.mark.parametrize(
    ("objectives", "only_here"), [(ONE, "intermediate_values"), (TWO, "pareto_front")]
)
def test_a_study_has_the_figures_that_its_trials_can_fill(
    drawn: Draw, objectives: dict[str, str], only_here: str
) -> None:
    common = {"history", "importances", "parallel_coordinates", "slices", "timeline"}
    names = {path.stem for path in drawn(objectives).glob("*.png")}
    assert names == common | {only_here}


def test_slices_of_many_parameters_stand_in_rows(drawn: Draw) -> None:
    width, height = size(drawn(ONE), "slices")
    assert height > 0.6 * width  # in one row it would be a sixth


def test_the_curves_of_many_trials_are_not_squeezed_by_a_legend(drawn: Draw) -> None:
    assert size(drawn(ONE), "intermediate_values")[1] <= size(drawn(ONE), "history")[1] * 1.05


@pytest.mark.parametrize("objectives", [ONE, TWO])
def test_the_page_speaks_of_the_score_and_draws_the_best_so_far(
    drawn: Draw, objectives: dict[str, str]
) -> None:
    page = (drawn(objectives) / "search.html").read_text("utf-8")
    assert "<h1>mine</h1>" in page
    only = ["pareto front"] if objectives is TWO else []
    assert re.findall("<h2>(.*?)</h2>", page) == [
        *only, "history", "importances", "parallel coordinates", "slices", "timeline",
        *([] if only else ["intermediate values"]),
    ]  # fmt: skip
    assert '"text":"score"' in page
    assert "Best Value" in page
    assert "Objective Value" not in page


def test_of_a_single_complete_trial_nothing_is_drawn(tmp_path: Path) -> None:
    study = optuna.create_study(direction="maximize")
    fill(study, trials=1)
    draw(study, ONE, tmp_path / "search.html")
    assert not list(tmp_path.iterdir())
