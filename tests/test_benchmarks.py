"""The benchmark: the page that it writes, and the peers that it compares with."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmsearch.models.families import FAMILIES

ROOT = Path(__file__).parents[1]
MACHINE = {
    "processor": "Some processor",
    "cores": 2,
    "avx512": True,
    "avx512_vnni": False,
    "load_before": 0.1,
}
GRIDS = ["keras_tuner_grid", *["grid_search_cv"] * (find_spec("scikeras") is not None)]
"""The second is only tried where the extra `bench` is installed."""
POINTS = [
    {
        "batch_size": 32,
        "dropout_rate": 0.25,
        "epochs": 1,
        "hidden_units": units,
        "optimizer": "adam",
    }
    for units in (16, 32)
]


@pytest.fixture(scope="module", autouse=True)
def path() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield


def made(part: str, form: str, rows: list[dict[str, Any]]) -> Any:
    from comparison.result import Result

    return Result(
        part=part,
        form=form,
        command=f"python benchmarks/bench.py {part}",
        date="2026-11-27 07:10",
        machine=MACHINE,
        versions={"keras": "3.15.1"},
        rows=rows,
    )


def grid(ours: list[float], theirs: list[float]) -> Any:
    from comparison.grid import PEERS

    ways = {"fmsearch": ours, **dict.fromkeys(PEERS, theirs)}
    rows = [
        {"way": way, "seconds": one, "fits": 8, "of": 96}
        for way, values in ways.items()
        for one in values
    ]
    return made("grid", "short", rows)


def test_the_page_is_what_the_results_give() -> None:
    from comparison.page import page, picture
    from comparison.result import read_all

    results = read_all(ROOT / "benchmarks" / "results")
    assert (ROOT / "docs" / "benchmarks.md").read_text("utf-8") == page(results)
    assert all((ROOT / "docs" / "pictures" / picture(one)).exists() for one in results)


def test_readmes_figures_are_those_of_the_results() -> None:
    from comparison.page import BEGIN, END, with_figures
    from comparison.result import read_all

    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme.index(BEGIN) < readme.index(END)
    assert readme == with_figures(readme, read_all(ROOT / "benchmarks" / "results"))


def test_readme_takes_the_median_of_each_rounds_ratio() -> None:
    from comparison.page import BEGIN, END, with_figures

    readme = f"before\n{BEGIN}old\n{END}after\n"
    new = with_figures(readme, [grid([100.0, 50.0, 100.0], [1500.0, 1000.0, 1000.0])])
    assert "from start to exit: 100 s. `GridSearchCV` takes 15.0 times" in new.replace("\n", " ")
    assert new.startswith(f"before\n{BEGIN}The")
    assert new.endswith(f"\n{END}after\n")


def test_readme_takes_searches_and_tracking_from_the_long_form_alone() -> None:
    from comparison.page import figures

    rows = [
        {"way": "--offline", "seconds": 50.0, "cpu": 10.0},
        {"way": "SQLite", "seconds": 51.0, "cpu": 12.0},
        {"way": "HTTP", "seconds": 52.0, "cpu": 13.0, "server": 4.0},
    ]
    searches = [
        {"way": "fmsearch", "target": 100.0},
        {"way": "Ray Tune", "target": 250.0},
        {"way": "Optuna", "target": None},
    ]
    forms = [
        [made("tracking", form, rows), made("search", form, searches)] for form in ("short", "long")
    ]
    assert figures(forms[0]) == ""
    said = figures([*forms[1], *forms[0]]).replace("\n", " ")
    assert "accuracy 0.925: 100 s; times as long: Ray Tune 2.5." in said
    assert "Tracking takes 2.0% of the machine's time in SQLite, 3.0% over HTTP." in said


def test_a_table_has_median_smallest_and_largest() -> None:
    from comparison.page import page

    text = page([grid([100.0, 50.0, 90.0], [1500.0, 1000.0, 990.0])])
    row = "| GridSearchCV, n_jobs=2 | 8 of 96 | 1000.0 (990.0 to 1500.0, n = 3) "
    assert f"{row}| 10.42 (10.31 to 15.62, n = 3) | 15.0 (11.0 to 20.0, n = 3) |" in text
    assert "on 2 cores of Some processor (AVX-512); load before it 0.1. keras 3.15.1." in text
    assert "Not measured yet: `python benchmarks/bench.py tracking`." in text


def test_trackings_share_is_of_all_cores_time() -> None:
    from comparison.tracking import shares

    rows = [
        {"way": "--offline", "seconds": 50.0, "cpu": 10.0},
        {"way": "SQLite", "seconds": 51.0, "cpu": 12.0},
        {"way": "HTTP", "seconds": 52.0, "cpu": 13.0, "server": 4.0},
    ]
    assert shares(made("tracking", "short", rows)) == {"SQLite": [0.02], "HTTP": [0.03]}


def test_a_seed_that_never_had_the_accuracy_is_the_slowest() -> None:
    from comparison.search import section, time_to

    best = [[10.0, 0.9], [20.0, 0.925], [30.0, 0.93]]
    assert time_to(0.925, best) == 20.0
    assert time_to(0.95, best) is None
    rows = [
        {"way": way, "seed": seed, "seconds": 99.0, "epochs": 9, "target": target, "best": best}
        for way, targets in {"fmsearch": [20.0, 30.0, None], "Ray Tune": [None, 90.0, None]}.items()
        for seed, target in enumerate(targets)
    ]
    ours, theirs = section(made("search", "long", rows)).splitlines()[-2:]
    assert ours.endswith("| 30 (20, 30, never) | 1.0 |")
    assert theirs.endswith("| never (never, 90, never) |  |")


def test_the_end_of_the_trainers_is_no_negative_growth() -> None:
    from comparison.memory import growth

    assert growth([2.0, 500.0, 700.0, 720.0, 730.0, 740.0, 400.0, 400.0], 200) == 40.0


@pytest.mark.parametrize("part", ["grid", "search", "tracking", "trainers", "start", "memory"])
def test_each_part_draws_its_plot(part: str, tmp_path: Path) -> None:
    from comparison.page import draw_all, picture

    row = {"way": "fmsearch", "trials": 3, "seconds": 9.0, "best": [[5.0, 0.9]]}
    result = made(part, "short", [{**row, "megabytes": [500.0, 600.0, 610.0]}])
    draw_all([result], tmp_path)
    assert "fmsearch" in (tmp_path / picture(result)).read_text("utf-8")


@pytest.mark.parametrize("peer", GRIDS)
def test_peers_score_a_grid_by_its_folds(images: Path, peer: str) -> None:
    from peers.problem import Problem

    problem = Problem(data=str(images), images=400, points=POINTS, folds=2)
    by_hand = pytest.approx([score_by_hand(problem, point) for point in POINTS], abs=1e-6)
    assert importlib.import_module(f"peers.{peer}").search(problem) == by_hand


def score_by_hand(problem: Any, point: dict[str, Any]) -> float:
    """The mean accuracy over the first 2 of 3 folds of the training images, with Keras alone."""
    import keras
    from peers.networks import mlp

    x, y, folds = problem.folded
    assert np.concatenate([fold.validation for fold in folds]).tolist() == list(range(200))
    scores = []
    for fold in folds:
        keras.utils.set_random_seed(problem.seed)
        model = mlp(point["hidden_units"], point["dropout_rate"], x.shape[1])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x[fold.train], y[fold.train], batch_size=point["batch_size"], verbose=0)
        predicted = model.predict(x[fold.validation], verbose=0).argmax(axis=1)
        scores.append((predicted == y[fold.validation]).mean())
    return float(np.mean(scores))


def test_the_peers_networks_are_fmsearchs() -> None:
    from peers.networks import cnn, mlp
    from peers.problem import SPACE

    from fmsearch.search.space.load import read_space

    family, space = FAMILIES["cnn"], read_space(SPACE.replace("EPOCHS", "2"), "")
    point = {"filters_1": 24, "filters_2": 32, "filters_3": 96}
    chosen = {**space.fixed, **point, "convolutions_1": 2, "convolutions_2": 1}
    ours = family.make((28, 28), 10, family.complete({**chosen, "dropout_rate": 0.1}))
    theirs = cnn((24, 32, 96), (2, 1, 1), 0.1, 0.001)
    assert theirs.count_params() == ours.count_params()
    perceptron = FAMILIES["mlp"]
    settings = perceptron.complete({"hidden_units": 64, "dropout_rate": 0.2})
    assert mlp(64, 0.2).count_params() == perceptron.make((28, 28), 10, settings).count_params()
