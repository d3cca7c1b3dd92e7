"""Figures of classes with names that mean something to matplotlib, or that no font has."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmsearch.models import figures
from fmsearch.models.data import Images
from fmsearch.models.training import Epoch

NAMES = (
    *("$", "$x$", r"\frac{", "$\\undefined$", "a$b$c$", r"\$", "{}", "%s", "_underscore", "#"),
    *("<b>&amp;", "[/b]", "\N{CJK UNIFIED IDEOGRAPH-732B}", "\N{ARABIC LETTER QAF}", "\N{CAT}"),
    *("\ud800", "\x1b[31m", "two\nlines", "", "name " * 100, "same", "same"),
)
TITLE = "study-0001: pruned [/b] as $x_{$ was \N{CJK UNIFIED IDEOGRAPH-732B}\n" + "long " * 100


@pytest.fixture(autouse=True)
def warnings_are_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A glyph that is missing would be a warning or a line in the log, each time it is drawn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert not caplog.records


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.mark.parametrize("times", [1, 3])
def test_confusion_matrices_of_any_names_are_drawn(tmp_path: Path, times: int) -> None:
    names = NAMES * times
    counts = np.ones((len(names), len(names)), int)
    figures.confusion_figure(names).save(tmp_path / "names.png", counts.tolist(), TITLE)
    assert max(size(tmp_path / "names.png")) < 2_000


def test_a_title_with_dollars_is_drawn_with_them(tmp_path: Path) -> None:
    figure = figures.ConfusionFigure(["a", "b"])
    widths = []
    for title in ("$x$ and $y$ and $z$", "x and y and z"):
        figure.save(tmp_path / "title.png", [[1, 0], [0, 1]], title)
        with Image.open(tmp_path / "title.png") as picture:
            columns = np.nonzero(np.asarray(picture)[:25].min(axis=(0, 2)) < 200)[0]
        widths.append(np.ptp(columns))
    assert widths[0] > widths[1] + 30  # six dollars of 9 pixels


def test_learning_curves_with_any_title_are_drawn(tmp_path: Path) -> None:
    epochs = [
        Epoch(
            epoch=1,
            train_loss=1.0,
            train_accuracy=0.5,
            val_loss=1.0,
            val_accuracy=0.5,
            measured_at=0,
            seconds=0.1,
            score_seconds=0.0,
        )
    ]
    figures.CurvesFigure().save(tmp_path / "curves.png", epochs, TITLE)
    assert size(tmp_path / "curves.png") == (864, 364)


@pytest.mark.parametrize("times", [1, 3])
def test_figures_of_the_data_are_drawn_for_any_names(tmp_path: Path, times: int) -> None:
    names = NAMES * times
    images = Images(np.zeros((len(names), 4, 4), np.uint8), np.arange(len(names), dtype=np.int32))
    figures.save_class_samples(tmp_path / "samples.png", images, names)
    figures.save_class_distribution(tmp_path / "counts.png", {"training": [1] * len(names)}, names)
    assert max(size(tmp_path / "samples.png")) < 2_000
    assert max(size(tmp_path / "counts.png")) < 2_500


def test_a_users_own_style_of_matplotlib_does_not_reach_in(tmp_path: Path) -> None:
    import matplotlib

    figure = figures.ConfusionFigure(["a", "b"])
    figure.save(tmp_path / "ours.png", [[1, 0], [0, 1]], "title")
    with matplotlib.rc_context({"text.usetex": True, "font.family": "no such font"}):
        figures.ConfusionFigure(["a", "b"]).save(tmp_path / "same.png", [[1, 0], [0, 1]], "title")
    assert (tmp_path / "ours.png").read_bytes() == (tmp_path / "same.png").read_bytes()
