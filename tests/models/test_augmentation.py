"""Augmentation: every image mirrored, moved and blanked in its own way, in training alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.augmentation import gather_augmented
from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.network import Network, Pixels
from fmsearch.models.quiet_tensorflow import tf
from fmsearch.models.settings import Value
from fmsearch.models.split import Rows

SHAPES = [(9, 9), (7, 10), (8, 6, 3)]
"""Square, wide and colour images."""


def noise(shape: tuple[int, ...], count: int = 20) -> np.ndarray:
    """Images without a zero and without symmetry, so that no two moves of one look alike."""
    return np.random.default_rng(2).integers(1, 256, (count, *shape), np.uint8)


def augment(
    pixels: np.ndarray,
    rows: Sequence[int] | Rows,
    flip: bool = False,
    shift: int | None = None,
    erase: float | None = None,
    seed: tuple[int, int] = (5, 0),
) -> np.ndarray:
    return np.array(
        gather_augmented(
            tf.constant(pixels),
            tf.constant(rows, tf.int32),
            tf.constant(seed),
            flip=flip,
            shift=None if shift is None else tf.constant(shift, tf.int64),
            erase=None if erase is None else tf.constant(erase),
        )
    )


def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """An image moved by so many pixels, with zeros behind it."""
    height, width = image.shape[:2]
    wide = np.pad(image, [(height, height), (width, width), *[(0, 0)] * (image.ndim - 2)])
    return wide[height - down : 2 * height - down, width - right : 2 * width - right]


def which(answer: np.ndarray, candidates: dict[object, np.ndarray]) -> object:
    """The only candidate that equals the answer."""
    (found,) = [name for name, image in candidates.items() if np.array_equal(answer, image)]
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_flip_gives_half_of_the_images_mirrored_and_half_untouched(shape: tuple[int, ...]) -> None:
    pixels, rows = noise(shape), np.random.default_rng(0).integers(0, 20, 4000)
    answers = augment(pixels, rows, flip=True)
    ways = [
        which(answer, {"untouched": pixels[row], "mirrored": pixels[row][:, ::-1]})
        for row, answer in zip(rows, answers, strict=True)
    ]
    # 4,000 fair draws: a standard deviation of 32; this is five.
    assert ways.count("mirrored") == pytest.approx(2000, abs=158)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("most", [1, 2])
def test_shift_moves_by_every_way_up_to_the_most_and_zeros_come_in(
    shape: tuple[int, ...], most: int
) -> None:
    pixels, rows = noise(shape), np.random.default_rng(0).integers(0, 20, 400)
    steps = range(-most, most + 1)
    ways = [
        which(answer, {(y, x): moved(pixels[row], y, x) for y in steps for x in steps})
        for row, answer in zip(rows, augment(pixels, rows, shift=most), strict=True)
    ]
    assert set(ways) == {(y, x) for y in steps for x in steps}


def test_flip_and_shift_together_mirror_and_then_move() -> None:
    pixels, rows = noise((6, 8, 3)), np.random.default_rng(0).integers(0, 20, 200)
    ways = {
        which(
            answer,
            {
                (step, y, x): moved(pixels[row][:, ::step], y, x)
                for step in (1, -1)
                for y in (-1, 0, 1)
                for x in (-1, 0, 1)
            },
        )
        for row, answer in zip(rows, augment(pixels, rows, flip=True, shift=1), strict=True)
    }
    assert len(ways) == 18


@pytest.mark.parametrize("shape", [(16, 16), (12, 24), (9, 16, 3)])
def test_erase_blanks_a_rectangle_in_the_asked_share_of_images(shape: tuple[int, ...]) -> None:
    pixels, rows = noise(shape), np.random.default_rng(0).integers(0, 20, 4000)
    answers = augment(pixels, rows, erase=0.25)
    blank = (answers == 0).reshape(4000, *shape[:2], -1).all(axis=-1)
    np.testing.assert_array_equal(answers, np.where(blank.T, 0, pixels[rows].T).T)
    hit = blank[blank.any(axis=(1, 2))]
    # 4,000 draws: a standard deviation of 27; this is five.
    assert len(hit) == pytest.approx(1000, abs=137)
    down, right = hit.any(axis=2), hit.any(axis=1)
    np.testing.assert_array_equal(hit, down[:, :, np.newaxis] & right[:, np.newaxis, :])
    for lines, side in ((down, shape[0]), (right, shape[1])):
        assert (np.diff(np.pad(lines, [(0, 0), (1, 1)]).astype(int)) == 1).sum() == len(hit)
        assert set(lines.sum(axis=1)) == set(range(round(side / 8), round(side / 2) + 1))
        assert lines.any(axis=0).all()  # from edge to edge


def test_mirrored_and_moved_images_are_blanked_where_they_come_to_lie() -> None:
    pixels, rows = noise((9, 16)), list(range(20))
    whole = augment(pixels, rows, flip=True, shift=2)
    answers = augment(pixels, rows, flip=True, shift=2, erase=0.9)
    blank = answers == 0
    np.testing.assert_array_equal(answers[~blank], whole[~blank])
    assert (blank.sum(axis=(1, 2)) > (whole == 0).sum(axis=(1, 2))).sum() > 10  # of 18 or so


def test_a_shift_beyond_the_image_leaves_zeros() -> None:
    pixels, rows = noise((3, 4)), np.zeros(400, int)
    answers = augment(pixels, rows, shift=64)
    possible = {moved(pixels[0], y, x).tobytes() for y in range(-3, 4) for x in range(-4, 5)}
    assert {answer.tobytes() for answer in answers} <= possible
    assert (answers == 0).all(axis=(1, 2)).mean() > 0.8  # 129 x 129 moves, 5 x 7 of them inside


@pytest.mark.parametrize("shape", SHAPES)
def test_without_flip_and_shift_the_rows_come_as_they_are(shape: tuple[int, ...]) -> None:
    pixels, rows = noise(shape), [7, 3, 3, 0]
    answers = augment(pixels, rows)
    assert answers.dtype == np.uint8
    np.testing.assert_array_equal(answers, pixels[rows])
    np.testing.assert_array_equal(augment(pixels, rows, shift=0, erase=0.0), pixels[rows])


def test_one_image_many_times_is_moved_in_many_ways() -> None:
    answers = augment(noise((9, 9)), [4] * 60, flip=True, shift=1)
    different = {answer.tobytes() for answer in answers}
    assert len(different) > 12  # 60 draws of 18 ways miss 0.6 of them on average


def test_draws_depend_on_the_seed_alone() -> None:
    pixels, rows = noise((9, 9)), list(range(20))
    seeds = ((5, 1), (5, 1), (5, 2), (6, 1))
    runs = [augment(pixels, rows, True, 2, 0.5, seed) for seed in seeds]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    assert not np.array_equal(runs[0], runs[3])


ROWS = np.arange(200, dtype=np.int32)
AUGMENTED: list[dict[str, Value]] = [
    {"flip": True},
    {"shift": 3},
    {"erase": 0.5},
    {"flip": True, "shift": 3, "erase": 0.5},
]


@pytest.fixture(scope="module")
def pixels(images: Path) -> Pixels:
    return Pixels(load_training(str(images)), classes=10)


def begin(pixels: Pixels, **settings: Value) -> Network:
    """A fresh perceptron that measures and does not learn."""
    still = {"optimizer": "sgd", "learning_rate": 0.0, "hidden_units": 8, "batch_size": 50}
    network = Network(pixels, FAMILIES["mlp"], FAMILIES["mlp"].complete({**still, **settings}))
    network.initialize(3, ROWS, epochs=2)
    return network


@pytest.fixture(scope="module")
def plain(pixels: Pixels) -> Network:
    return begin(pixels)


@pytest.mark.parametrize("settings", AUGMENTED, ids=str)
def test_images_are_augmented_in_training_and_never_in_evaluation(
    pixels: Pixels, plain: Network, settings: dict[str, Value]
) -> None:
    augmented = begin(pixels, **settings)
    augmented.model.set_weights(plain.weights())
    measured, expected = augmented.evaluate(ROWS), plain.evaluate(ROWS)
    assert measured.loss == expected.loss
    np.testing.assert_array_equal(measured.confusion, expected.confusion)
    first, second = (augmented.train_epoch(ROWS, 3, epoch)[0] for epoch in (1, 2))
    # The same images in another order, summed in float32, agree to 1e-6.
    assert plain.train_epoch(ROWS, 3, 1)[0] == pytest.approx(expected.loss, rel=1e-5)
    assert first != pytest.approx(expected.loss, rel=1e-4)
    assert first != pytest.approx(second, rel=1e-4)  # each epoch draws anew
