"""Pictures of all kinds, as a network takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmsearch.errors import FmsearchError
from fmsearch.models.pictures import find_pictures, read_pictures


def read(path: Path, shape: tuple[int, ...], invert: bool | None = False):  # type: ignore[no-untyped-def]
    ((name, pixels, _),) = read_pictures(path, shape, invert=invert)
    assert (name, pixels.dtype, pixels.shape) == (str(path), np.uint8, shape)
    return pixels


@pytest.fixture
def boot() -> np.ndarray:  # type: ignore[type-arg]
    """A bright thing on a dark ground."""
    pixels = np.zeros((28, 28), "uint8")
    pixels[8:24, 5:22] = np.arange(100, 117)
    return pixels


def test_a_picture_of_the_right_size_stays_as_it_is(boot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    Image.fromarray(boot).save(tmp_path / "boot.png")
    for shape in ((28, 28), (28, 28, 1)):
        assert np.array_equal(read(tmp_path / "boot.png", shape).reshape(28, 28), boot)
    coloured = read(tmp_path / "boot.png", (28, 28, 3))
    assert np.array_equal(coloured, np.repeat(boot[..., None], 3, axis=2))


def test_a_picture_with_a_bright_border_is_inverted(boot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    Image.fromarray(255 - boot).save(tmp_path / "photo.png")
    for invert in (None, True):
        assert np.array_equal(read(tmp_path / "photo.png", (28, 28), invert), boot)
    assert np.array_equal(read(tmp_path / "photo.png", (28, 28)), 255 - boot)
    Image.fromarray(boot).save(tmp_path / "boot.png")
    assert np.array_equal(read(tmp_path / "boot.png", (28, 28), None), boot)


def test_the_background_of_the_training_images_decides_what_is_inverted(boot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from fmsearch.models.pictures import background_of

    dark = np.stack([boot] * 20)
    half = np.concatenate([dark[:10], 255 - dark[:10]])
    for images, background in ((dark, "dark"), (255 - dark, "bright"), (half, "mixed")):
        assert background_of(images) == background_of(images[..., None]) == background
        for pixels in (boot, 255 - boot):
            Image.fromarray(pixels).save(tmp_path / "one.png")
            how = {"invert": None, "background": background}
            ((_, read, inverted),) = read_pictures(tmp_path / "one.png", (28, 28), **how)
            wanted = {"dark": boot, "bright": 255 - boot, "mixed": pixels}[background]
            assert np.array_equal(read, wanted)
            assert inverted == (not np.array_equal(pixels, wanted))
    assert background_of(np.repeat(dark[..., None], 3, axis=3)) == ""


def test_a_wide_picture_is_shown_whole_on_its_borders_colour(tmp_path) -> None:  # type: ignore[no-untyped-def]
    pixels = np.full((40, 80), 30, "uint8")
    pixels[15:25, 20:60] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    fitted = read(tmp_path / "wide.png", (28, 28))
    assert (fitted[:7] == 30).all()
    assert (fitted[21:] == 30).all()
    assert fitted[14, 14] == 200
    assert fitted[14, 0] == 30
    rgb = np.zeros((40, 80, 3), "uint8") + np.array([10, 20, 30], "uint8")
    Image.fromarray(rgb).save(tmp_path / "colour.png")
    assert (read(tmp_path / "colour.png", (28, 28, 3)) == [10, 20, 30]).all()


def test_what_is_transparent_is_white(boot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    clear = np.dstack([boot, boot, boot, (boot > 0) * np.uint8(255)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert np.array_equal(read(tmp_path / "clear.png", (28, 28)), np.where(boot > 0, boot, 255))


def test_an_array_holds_one_image_or_many(boot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "some.npy"
    for given in (boot, boot[None], boot[None, ..., None], boot[..., None]):
        np.save(file, given)
        for shape in ((28, 28), (28, 28, 1)):
            ((name, pixels, inverted),) = read_pictures(file, shape, invert=None)
            assert not inverted
            assert name == f"{file}[0]"
            assert np.array_equal(pixels, boot.reshape(shape))
    np.save(file, np.stack([boot, 255 - boot]))
    _, (name, pixels, inverted) = read_pictures(file, (28, 28), invert=True)
    assert (name, inverted) == (f"{file}[1]", True)
    assert np.array_equal(pixels, boot)


def test_what_is_no_picture_is_refused_by_name(boot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(boot).save(tmp_path / "boot.png")
    whole = (tmp_path / "boot.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:60])
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    Image.new("1", (20_000, 20_000)).save(tmp_path / "larger.png")
    Image.fromarray(boot).save(tmp_path / "other.ppm")
    np.save(tmp_path / "floats.npy", boot / 255)
    np.save(tmp_path / "small.npy", boot[1:])
    (tmp_path / "none.npy").write_bytes(b"none")
    for name, reason in {
        "text.png": "is no picture that can be read",
        "other.ppm": r"is no picture that can be read \(PNG, JPEG, BMP, GIF, TIFF, WebP\)",
        "cut.png": "is no picture that can be read",
        "large.png": "has 10000 x 10000 pixels; at most 50,000,000 are read",
        "larger.png": "larger.png",
        "floats.npy": r"is float64 \(28, 28\); it must be uint8 \(28, 28\), or several of these",
        "small.npy": r"is uint8 \(27, 28\)",
        "none.npy": "is no readable .npy file",
    }.items():
        with pytest.raises(FmsearchError, match=reason) as caught:
            list(read_pictures(tmp_path / name, (28, 28), invert=None))
        assert name in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_folders_give_their_pictures_by_name(boot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for name in ("b.png", "a.JPG", "c.npy", "notes.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "empty").mkdir()
    found = find_pictures([tmp_path / "notes.txt", tmp_path])
    assert [one.name for one in found] == ["notes.txt", "a.JPG", "b.png", "c.npy"]
    with pytest.raises(FmsearchError, match="empty has no picture"):
        find_pictures([tmp_path / "empty"])
    with pytest.raises(FmsearchError, match=r"no picture '.*gone\.png'"):
        find_pictures([tmp_path / "gone.png"])
