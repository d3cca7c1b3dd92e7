"""Figures of data and trainings: what they show."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from fmsearch.models import figures
from fmsearch.models.confusion import classification_report
from fmsearch.models.data import Images, load_training
from fmsearch.models.fashion_mnist import CLASS_NAMES
from fmsearch.models.training import Epoch


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def history(epochs: int, start: float = 1.0) -> list[Epoch]:
    return [
        Epoch(
            epoch=n,
            train_loss=start / n,
            train_accuracy=1 - 0.5 / n,
            val_loss=start / n,
            val_accuracy=1 - 0.6 / n,
            measured_at=0,
            seconds=0.1,
            score_seconds=0.0,
        )
        for n in range(1, epochs + 1)
    ]


def test_a_confusion_matrix_is_dark_where_its_counts_are(tmp_path: Path) -> None:
    figure = figures.ConfusionFigure(CLASS_NAMES)
    cyclic = np.roll(np.eye(10, dtype=int), 1, axis=1) * 50
    figure.save(tmp_path / "diagonal.png", (np.eye(10, dtype=int) * 50).tolist(), "diagonal")
    figure.save(tmp_path / "cyclic.png", cyclic.tolist(), "cyclic")
    diagonal, other = pixels(tmp_path / "diagonal.png"), pixels(tmp_path / "cyclic.png")
    assert diagonal.shape == other.shape
    dark = diagonal[:, :, 2] - diagonal[:, :, 0] > 80  # the deepest shade of blue
    dark[:, int(dark.shape[1] * 0.88) :] = False  # the colour bar
    rows, columns = np.nonzero(dark)
    assert np.corrcoef(rows, columns)[0, 1] > 0.98
    assert np.abs(diagonal - other).max() > 100


def test_a_canvas_used_again_draws_what_a_fresh_one_draws(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (10, 10)).tolist()
    used = figures.ConfusionFigure(CLASS_NAMES)
    used.save(tmp_path / "other.png", np.eye(10, dtype=int).tolist(), "a longer title than that")
    used.save(tmp_path / "used.png", counts, "title")
    figures.ConfusionFigure(CLASS_NAMES).save(tmp_path / "fresh.png", counts, "title")
    assert (tmp_path / "used.png").read_bytes() == (tmp_path / "fresh.png").read_bytes()


def test_learning_curves_used_again_draw_what_fresh_ones_draw(tmp_path: Path) -> None:
    used = figures.CurvesFigure()
    used.save(tmp_path / "a.png", history(20, 1.05), "other")
    used.save(tmp_path / "b.png", history(3), "short")
    used.save(tmp_path / "used.png", history(20), "title")
    figures.CurvesFigure().save(tmp_path / "fresh.png", history(20), "title")
    assert (tmp_path / "used.png").read_bytes() == (tmp_path / "fresh.png").read_bytes()


def test_the_best_epoch_is_marked_in_both_curves(tmp_path: Path) -> None:
    figure = figures.CurvesFigure()

    def marked(best: int | None) -> list[int]:
        """Columns of pixels that are grey from top to bottom, the first one in each panel."""
        figure.save(tmp_path / "curves.png", history(20), "title", best)
        grey = (pixels(tmp_path / "curves.png") == 0x77).all(axis=2).sum(axis=0) > 100
        middle = len(grey) // 2
        panels = (np.flatnonzero(grey[:middle]), np.flatnonzero(grey[middle:]))
        return [int(one[0]) for one in panels if len(one)]

    earlier, later = marked(5), marked(15)
    assert len(earlier) == len(later) == 2
    for left, right in zip(earlier, later, strict=True):
        assert right - left == pytest.approx(10 / 20 * 362, abs=3)  # a panel has 362 columns
    assert (marked(5), marked(None)) == (earlier, [])


def test_figures_of_the_data_are_drawn_for_any_number_of_classes(
    tmp_path: Path, images: Path
) -> None:
    training = load_training(str(images))
    figures.save_class_samples(tmp_path / "samples.png", training, CLASS_NAMES)
    for shape in ((4, 8, 8, 2), (4, 1, 8), (4, 8, 1, 1), (4, 8, 8, 3)):
        strange = Images(np.zeros(shape, np.uint8), np.array([0, 1, 0, 1], np.int32))
        figures.save_class_samples(tmp_path / "strange.png", strange, ["a", "b"])
    figures.save_class_distribution(tmp_path / "two.png", {"training": [3, 5]}, ["a", "b"])
    assert len(np.unique(pixels(tmp_path / "samples.png"))) > 100
    assert pixels(tmp_path / "two.png").shape[0] > 300


def test_a_report_from_counts_is_scikit_learns_report_from_answers() -> None:
    generator = np.random.default_rng(0)
    true, predicted = generator.integers(0, 4, 500), generator.integers(0, 4, 500)
    counts = metrics.confusion_matrix(true, predicted)
    names = ["a", "b", "c", "d"]
    ours = classification_report(counts.tolist(), names)
    theirs = metrics.classification_report(true, predicted, target_names=names, output_dict=True)
    assert set(ours) == set(theirs)
    for name in names:
        assert ours[name] == pytest.approx(theirs[name])
