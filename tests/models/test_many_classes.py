"""Figures and reports of many classes, and of classes that share a name."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmsearch.models import figures, many_classes
from fmsearch.models.confusion import classification_report
from fmsearch.models.data import Images


def confused(classes: int) -> np.ndarray:
    """Each class is right 90 times, and 10 times taken for the next one."""
    return 90 * np.eye(classes, dtype=int) + 10 * np.roll(np.eye(classes, dtype=int), 1, axis=1)


@pytest.mark.parametrize(("classes", "numbers"), [(50, True), (51, False)])
def test_above_50_classes_cells_have_no_numbers(classes: int, numbers: bool) -> None:
    figure = figures.confusion_figure([str(number) for number in range(classes)])
    assert isinstance(figure, figures.ConfusionFigure) is numbers


def test_pictures_of_1200_classes_are_as_large_as_those_of_51(tmp_path: Path) -> None:
    sizes = set()
    for classes in (51, 1200):
        names = [f"class {number}" for number in range(classes)]
        path = tmp_path / f"{classes}.png"
        counts = confused(classes).tolist()
        figure = figures.confusion_figure(names)
        tracemalloc.start()
        figure.save(path, counts, "title")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 150e6  # the counts of 1,200 classes are 11.5 MB, as floats as many
        with Image.open(path) as picture:
            sizes.add(picture.size)
    assert sizes == {(1248, 633)}


def test_the_most_confused_pairs_come_first() -> None:
    counts = confused(60)
    counts[7, 3], counts[9, 2] = 40, 30
    pairs = many_classes._most_confused(counts)
    assert pairs[:4] == [(7, 3), (9, 2), (0, 1), (1, 2)]
    assert len(pairs) == many_classes.MOST_PAIRS
    assert many_classes._most_confused(np.eye(60, dtype=int)) == []


def test_classes_without_confusions_or_without_images_are_drawn(tmp_path: Path) -> None:
    figure = figures.confusion_figure([str(number) for number in range(60)])
    for name, counts in {"right": np.eye(60, dtype=int), "none": np.zeros((60, 60), int)}.items():
        figure.save(tmp_path / f"{name}.png", counts.tolist(), "title")
        assert (tmp_path / f"{name}.png").exists()


def test_a_dot_shows_the_largest_share_of_the_classes_it_stands_for() -> None:
    shares = np.zeros((5, 5))
    shares[1, 0], shares[4, 4] = 0.3, 0.9
    largest = many_classes._largest_of_blocks(shares, 2)
    assert largest.tolist() == [[0.3, 0, 0], [0, 0, 0], [0, 0, 0.9]]


def test_figures_of_the_data_stay_small_with_1200_classes(tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(1200)]
    images = Images(np.zeros((1200, 4, 4), np.uint8), np.arange(1200, dtype=np.int32))
    figures.save_class_samples(tmp_path / "samples.png", images, names)
    counts = {"training": list(range(1200)), "test": [5] * 1200}
    figures.save_class_distribution(tmp_path / "counts.png", counts, names)
    for name in ("samples", "counts"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert max(picture.size) < 2_000


def test_classes_of_one_name_stay_two_in_the_report() -> None:
    report = classification_report([[3, 1, 0], [0, 2, 0], [1, 0, 4]], ["cat", "dog", "cat"])
    assert list(report)[:3] == ["0: cat", "1: dog", "2: cat"]
    assert [report[name]["support"] for name in list(report)[:3]] == [4, 2, 5]


@pytest.mark.parametrize("name", ["accuracy", "macro avg", "weighted avg"])
def test_a_class_named_as_a_summary_does_not_hide_it(name: str) -> None:
    report = classification_report([[3, 1], [0, 2]], [name, "dog"])
    assert report[f"0: {name}"]["support"] == 4
    assert report["accuracy"] == pytest.approx(5 / 6)
    assert report["weighted avg"]["support"] == 6
