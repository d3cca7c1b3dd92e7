"""`fmsearch data`: what it shows of folders, what is there twice, and all faults at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmsearch.cli import main

Say = Callable[..., tuple[str, str, object]]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of pictures in a folder `photos`, of which one is small."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMSEARCH_CACHE", str(tmp_path / "cache"))
    for part, count in (("train", 6), ("test", 2)):
        for label, name in enumerate(("cat/big", "dog")):
            folder = tmp_path / "photos" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                side = 5 if (part, label, number) == ("train", 1, 0) else 9
                shade = 100 * label + 10 * number + (part == "test")
                Image.new("L", (side, side), shade).save(folder / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    def run(*arguments: str) -> tuple[str, str, object]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return (*capfd.readouterr(), ended.value.code)

    return run


def test_a_folder_is_shown_with_what_was_made_of_it(photos: Path, say: Say) -> None:
    said, _, code = say("data", "photos")
    lines = said.splitlines()
    del lines[2]
    assert lines == [
        "name:     photos",
        f"from:     {photos}",
        "images:   9 x 9, uint8",
        "made:     16 pictures became grey images of 9 x 9 (height x width), the most frequent "
        "size; 1 resized, which were 5 x 5 to 5 x 5",
        "twice:    no image",
        "class              train    test",
        "cat                    6       2",
        "dog                    6       2",
        "all                   12       4",
    ]
    assert code is None


def test_images_that_are_there_twice_are_named(photos: Path, say: Say) -> None:
    cats, dogs = photos / "train" / "cat" / "big", photos / "train" / "dog"
    (photos / "test" / "cat" / "again.png").write_bytes((cats / "1.png").read_bytes())
    (dogs / "cat.png").write_bytes((cats / "2.png").read_bytes())
    (dogs / "once more.png").write_bytes((dogs / "3.png").read_bytes())
    said, _, _ = say("data", "photos")
    assert (
        "twice:    test images that are training images, too: 1, such as train/cat/big/1.png and "
        "test/cat/again.png" in said
    )
    assert "images in two classes: 1, such as train/cat/big/2.png and train/dog/cat.png" in said
    assert "training images that are there more than once: 2" in said
    found = json.loads(say("data", "photos", "--json")[0])
    assert found["duplicates"]["test_in_training_pairs"] == [
        ["train/cat/big/1.png", "test/cat/again.png"]
    ]
    assert found["conversions"][0].startswith("19 pictures became grey")


def test_contact_sheets_show_the_images_of_each_class(photos: Path, say: Say) -> None:
    said, _, _ = say("data", "photos", "--image-size", "6x8", "--contact-sheets", "sheets")
    assert said.splitlines()[-1] == "contact sheets: sheets"
    sheets = sorted(Path("sheets").iterdir())
    assert [one.name for one in sheets] == ["0-cat.png", "1-dog.png"]
    pixels = np.asarray(Image.open(sheets[0]))
    assert pixels.shape == (6 * 6 + 2 * 2, 6 * (8 * 6 + 2) + 2)  # six images, six times as large
    assert {0, 10, 20, 30, 40, 50, 128} == set(np.unique(pixels))


def test_all_faults_are_listed_and_the_code_is_1(photos: Path, say: Say) -> None:
    for number in range(3):
        (photos / "train" / "dog" / f"{number}.png").write_bytes(b"")
    (photos / "test" / "dog" / "0.png").write_text("no picture")
    said, error, code = say("data", "photos")
    assert said.splitlines() == [
        "train/dog/0.png is empty",
        "train/dog/1.png is empty",
        "train/dog/2.png is empty",
        "train/dog has 3 pictures; each class needs at least 4",
        "test/dog/0.png is no picture that can be read (PNG, JPEG, BMP, GIF, TIFF, WebP)",
    ]
    assert (error, code) == ("fmsearch: photos has 5 faults\n", 1)
    assert len(json.loads(say("data", "photos", "--json")[0])["faults"]) == 5
    error, code = say("study", "mlp", "--data", "photos")[1:]
    assert error.startswith("fmsearch: photos: 5 faults: train/dog/0.png is empty; train/dog/1.png")
    assert code == 1
    assert not Path("mlruns").exists()
