"""Folders of pictures: their classes and images, what is said of them, and all their faults."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmsearch.errors import FmsearchError
from fmsearch.models import cache
from fmsearch.models.data import DataSet, describe, load_parts, moved
from fmsearch.models.new_entry import ABOUT, PIXELS
from fmsearch.models.readers import decoding
from fmsearch.models.readers.faults import DataFaultsError
from fmsearch.models.readers.hold_out import HOLD_OUT

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def kept_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FMSEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "photos"


def save(path: Path, size: tuple[int, int] = (6, 8), mode: str = "RGB", **how: object) -> Path:
    """A picture of noise, of that height and width."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RANDOM.integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **how)  # type: ignore[arg-type]
    return path


def fill(root: Path, *classes: str, count: int = 6, suffix: str = ".png") -> Path:
    for name in classes:
        for number in range(count):
            save(root / name / f"{number}{suffix}")
    return root


def faults_of(root: Path) -> str:
    with pytest.raises(DataFaultsError) as caught:
        describe(str(root))
    return "\n".join(caught.value.faults)


def test_classes_and_images_are_in_keras_order(root: Path) -> None:
    import keras

    fill(root, "train/b", "train/B", "train/a/deep", "train/a", "train/10", "train/.hid", count=4)
    fill(root, "test/b", "test/B", "test/a", "test/10", count=1)
    found = keras.utils.image_dataset_from_directory(
        root / "train", shuffle=False, batch_size=None, image_size=(6, 8), verbose=False
    )
    ours = describe(str(root))
    assert list(ours.class_names) == found.class_names == ["10", "B", "a", "b"]
    theirs = [(image.numpy(), int(label)) for image, label in found]
    parts = load_parts(str(root))
    assert np.array_equal(parts.train.pixels, [image for image, _ in theirs])
    assert parts.train.labels.tolist() == [label for _, label in theirs]
    assert ours.conversions == (
        "24 pictures became RGB images of 6 x 8 (height x width), the most frequent size",
        "not used: 1 hidden",
    )


def test_without_test_pictures_a_sixth_is_held_out_and_that_is_said(root: Path) -> None:
    found = describe(str(fill(root, "cat", "dog", count=12)))
    assert (found.train_counts, found.test_counts) == ((10, 10), (2, 2))
    assert HOLD_OUT in found.conversions
    assert (found.name, found.spec) == ("photos", str(root))


def made_16_bits(path: Path) -> None:
    values = (np.arange(48, dtype=np.uint16) * 1_300).reshape(6, 8)
    Image.fromarray(values).save(path)


def made_upright(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(path, (8, 6), quality=100, exif=exif)


def made_animated(path: Path) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def made_clear(path: Path) -> None:
    Image.new("RGBA", (8, 6), (0, 0, 0, 0)).save(path)


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("a.png", made_16_bits, "1 reduced from 16 bits to 8"),
        ("a.tif", made_16_bits, "1 reduced from 16 bits to 8"),
        ("a.jpg", made_upright, "1 turned upright, as their EXIF orientation says"),
        ("a.gif", made_animated, "1 reduced to the first of several frames"),
        ("a.webp", made_clear, "1 laid on white where they are transparent"),
        ("a.bmp", lambda path: save(path, (3, 5)), "1 resized, which were 3 x 5 to 3 x 5"),
        ("a.png", lambda path: save(path, mode="P"), "1 with palette or other colours made RGB"),
        ("a.png", lambda path: save(path, mode="L"), "1 grey and made RGB, as others have colours"),
        ("a.jpg", lambda path: save(path, mode="CMYK"), "1 with palette or other colours made RGB"),
        ("a.txt", lambda path: path.write_text("a"), "not used: 1 .txt files"),
        ("Thumbs.db", lambda path: path.write_text("a"), "not used: 1 hidden"),
        ("loop", lambda path: path.symlink_to(path.parent), "not used: 1 linked folders"),
    ],
)
def test_what_is_done_to_pictures_is_said(
    root: Path, name: str, make: Callable[[Path], object], expected: str
) -> None:
    fill(root, "cat", "dog")
    make(root / "cat" / name)
    found = describe(str(root))
    assert expected in "; ".join(found.conversions).split("; ") or expected in found.conversions
    assert found.image_shape == (6, 8, 3)


def test_pixels_are_what_the_files_say(root: Path) -> None:
    fill(root, "a", "b", count=5)
    made_16_bits(root / "a" / "0.png")
    made_clear(root / "a" / "1.png")
    parts = load_parts(str(root))
    shown = {one.tobytes() for one in parts.both.pixels}
    grey = ((np.arange(48) * 1_300 + 128) // 257).astype(np.uint8).reshape(6, 8)
    assert np.repeat(grey[..., None], 3, axis=2).tobytes() in shown
    assert np.full((6, 8, 3), 255, np.uint8).tobytes() in shown


def test_grey_pictures_stay_grey_and_any_size_can_be_asked_for(root: Path) -> None:
    for number in range(12):
        save(root / "ab"[number % 2] / f"{number}.png", (17, 31), "L")
    assert describe(str(root)).image_shape == (17, 31)
    found = describe(f"{root}#5x9")
    assert (found.image_shape, found.spec) == ((5, 9), f"{root}#5x9")
    assert "5 x 9 (height x width), as asked; 12 resized" in found.conversions[0]
    assert describe(found.spec).sha256 == found.sha256
    with pytest.raises(FmsearchError, match="--image-size 0x9 is not from 1x1"):
        describe(f"{root}#0x9")


def test_the_size_on_record_holds_at_another_place(root: Path) -> None:
    fill(root, "a", "b")
    assert moved("/there/photos#5x9", str(root)) == f"{root}#5x9"
    assert moved("/there/photos#5x9", f"{root}#4x4") == f"{root}#4x4"
    assert moved("/there/photos#5x9", None) == "/there/photos#5x9"
    assert moved("/there/photos", str(root)) == str(root)
    assert moved("/there/photos#5x9", "mine.npz") == "mine.npz"


def test_resizing_does_not_alias(root: Path) -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255  # without antialiasing, half the size is all black or all white
    for number in range(12):
        path = root / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        stripes[0, 0] = number
        Image.fromarray(stripes).save(path)
    pixels = load_parts(f"{root}#16x16").train.pixels[:, 2:-2, 2:-2]
    assert pixels.min() > 110
    assert pixels.max() < 145


def broken(root: Path) -> None:
    """Every fault that a folder may have."""
    fill(root / "train", "cat", "dog", "ox", "elk")
    fill(root / "test", "cat", "dog", "elk", "yak", count=1)
    cats = root / "train" / "cat"
    whole = (cats / "0.png").read_bytes()
    (cats / "cut.png").write_bytes(whole[:80])
    (cats / "empty.jpg").touch()
    (cats / "text.gif").write_text("no picture")
    (cats / "broken.png").symlink_to("nowhere")
    (cats / "loop.png").symlink_to("loop.png")
    (cats / "folder.png").mkdir()
    os.mkfifo(cats / "pipe.png")
    Image.new("1", (10_000, 10_000)).save(cats / "bomb.png")
    Image.new("F", (8, 6)).save(cats / "floats.tif")
    (root / "train" / "eel").mkdir()
    shutil.copytree(root / "train" / "dog", root / "train" / "wolf")
    Path(os.fsdecode(os.fsencode(cats) + b"/\xff.png")).write_bytes(b"GIF89a")


BROKEN = """\
train/cat/broken.png is a broken link
train/cat/empty.jpg is empty
train/cat/loop.png is a broken link
train/cat/pipe.png is no file
train/eel has no picture
train/ox is a class that test has not
train/yak
train/dog and train/wolf have the same pictures
train/cat/cut.png is no picture that can be read
train/cat/text.gif is no picture that can be read
train/cat/bomb.png has 10000 x 10000 pixels; at most 50,000,000 are read
train/cat/floats.tif has pixels of 32 bits; save it with 8 or 16
train/cat/\\xff.png is no picture that can be read"""


def test_all_faults_are_reported_together_with_paths(root: Path, kept_in: Path) -> None:
    broken(root)
    found = faults_of(root)
    for line in BROKEN.splitlines():
        if line != "train/yak":
            assert line in found
    assert "test/yak is a class that train has not" in found
    assert not [one for one in kept_in.iterdir() if one.is_dir()]


def test_of_many_faults_a_screenful_is_shown(root: Path) -> None:
    fill(root, "cat", "dog", count=30)
    for number in range(30):
        (root / "cat" / f"{number}.png").write_bytes(b"")
    with pytest.raises(DataFaultsError) as caught:
        describe(str(root))
    assert len(caught.value.faults) >= 30
    assert "30 faults: cat/0.png is empty; " in str(caught.value) or "31 faults" in str(
        caught.value
    )
    assert re.search(r"; and 1\d more$", str(caught.value))


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ((), "has no folders of classes with pictures in them"),
        (("cat",), "has one class; two are needed"),
        (("cat/.hid", "dog/.hid"), "has no folders of classes with pictures in them"),
        (("training/a", "testing/a"), "name those for training and test train and test"),
        (("test/a",), "name those for training and test train and test"),
    ],
)
def test_folders_without_classes_are_refused(
    root: Path, folders: tuple[str, ...], expected: str
) -> None:
    root.mkdir()
    assert expected in faults_of(fill(root, *folders))


def test_a_folder_train_with_pictures_in_it_is_a_class(root: Path) -> None:
    assert describe(str(fill(root, "plane", "train"))).class_names == ("plane", "train")


def test_scarce_classes_are_all_named(root: Path) -> None:
    fill(root, "a", "b", count=2)
    fill(root, "c", count=5)
    assert faults_of(root).splitlines() == [
        "a has 2 pictures; each class needs at least 5",
        "b has 2 pictures; each class needs at least 5",
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("https://example.org/photos.zip", "is a URL; --data takes what is on this machine"),
        ("photos.zip", "is an archive; unpack it"),
        ("photos.tar.gz", "is an archive; unpack it"),
        ("cat.png", "is one picture; --data takes a folder of them"),
        ("gone", "no data set 'gone'"),
        ("mine.npz#8x8", "--image-size is for folders of pictures"),
    ],
)
def test_other_things_are_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photos.zip", "photos.tar.gz", "cat.png", "mine.npz"):
        Path(name).write_text("")
    with pytest.raises(FmsearchError, match=expected):
        describe(spec)


class TestKept:
    @pytest.fixture
    def made(self, root: Path) -> DataSet:
        return describe(str(fill(root, "cat", "dog")))

    def test_pictures_are_decoded_once(
        self, root: Path, made: DataSet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(decoding, "read", lambda *_, **__: pytest.fail("decoded again"))
        assert describe(str(root)) == made
        assert np.array_equal(
            load_parts(made.prepared).both.pixels, load_parts(str(root)).both.pixels
        )

    def test_a_picture_that_changes_is_seen_whatever_its_time(
        self, root: Path, made: DataSet
    ) -> None:
        file = root / "cat" / "0.png"
        before = file.stat()
        content = bytearray(Path(save(root.parent / "other.png")).read_bytes())
        file.write_bytes(content)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert describe(str(root)).sha256 != made.sha256

    def test_a_file_that_is_not_used_is_said_without_decoding_again(
        self, root: Path, made: DataSet
    ) -> None:
        (root / "notes.txt").write_text("a")
        found = describe(str(root))
        assert found.entry == made.entry
        assert found.conversions == (*made.conversions, "not used: 1 .txt files")

    def test_a_damaged_entry_is_made_anew(self, root: Path, made: DataSet) -> None:
        images = Path(made.prepared) / PIXELS
        content = bytearray(images.read_bytes())
        content[-1] ^= 1
        images.write_bytes(content)
        assert describe(str(root)) == made
        (Path(made.prepared) / ABOUT).write_text("{")
        assert describe(str(root)) == made

    def test_what_a_killed_process_left_is_no_entry(self, root: Path, made: DataSet) -> None:
        entry = Path(made.prepared)
        entry.rename(entry.with_name(f"{entry.name}.part"))
        assert describe(str(root)) == made
        assert [one.name for one in entry.parent.iterdir() if one.is_dir()] == [entry.name]

    def test_of_two_commands_at_once_one_makes_it(self, root: Path, kept_in: Path) -> None:
        fill(root, "cat", "dog", count=30)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            one, two = pool.map(describe, [str(root)] * 2, chunksize=1)
        assert one == two == describe(str(root))
        assert [path for path in kept_in.iterdir() if path.is_dir()] == [Path(one.entry)]

    def test_what_was_not_used_for_long_goes(self, root: Path, made: DataSet) -> None:
        os.utime(made.prepared, (0, 0))
        describe(f"{root}#3x4")
        assert not Path(made.prepared).exists()

    def test_a_full_disk_is_said_with_the_numbers(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, kept_in: Path
    ) -> None:
        fill(root, "cat", "dog")
        usage = shutil.disk_usage(root)._replace(free=2**20)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(FmsearchError, match=r"take 0 MB, and .* has 1 MB of free space"):
            describe(str(root))
        assert not [one for one in kept_in.iterdir() if one.is_dir()]

    def test_an_entry_that_may_only_be_read_is_used(
        self, root: Path, made: DataSet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "_writable_home", lambda: pytest.fail("written"))
        assert describe(str(root)) == made

    def test_where_the_cache_cannot_be_written_another_folder_is_taken(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        (root.parent / "file").touch()
        monkeypatch.setenv("FMSEARCH_CACHE", str(root.parent / "file" / "cache"))
        monkeypatch.setattr("tempfile.tempdir", str(root.parent))
        found = describe(str(fill(root, "cat", "dog")))
        assert Path(found.prepared).is_relative_to(root.parent / f"fmsearch-{os.getuid()}")
        assert "the cache cannot be written" in caplog.text


def test_many_pictures_are_read_by_all_cores_and_counted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "FEW", 10)
    monkeypatch.setattr(decoding, "CHUNK", 5)
    fill(root, "cat", "dog", count=12)
    counted: list[tuple[int, int]] = []
    found = describe(str(root), lambda done, total: counted.append((done, total)))
    assert counted[-1] == (24, 24)
    alone = load_parts(found.prepared).both.pixels.copy()
    shutil.rmtree(found.prepared)
    monkeypatch.setattr(decoding, "FEW", 100)
    assert np.array_equal(load_parts(str(root)).both.pixels, alone)
