"""Bad data files."""
# ruff: noqa: E501  # the table has a case in a line

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from .case import Bad, Make, arrays, data, file


def zipped(members: dict[str, bytes]) -> Make:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / "bad.npz", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return make


def marked_as_encrypted(folder: Path) -> None:
    """Sets the bit of encryption in the zip's directory (APPNOTE.TXT, 4.4.4)."""
    np.savez(folder / "bad.npz", **arrays())
    content = bytearray((folder / "bad.npz").read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (folder / "bad.npz").write_bytes(content)


def header(text: str) -> bytes:
    """An .npy file of version 1.0 that is only a header."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


HUGE = header("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 1000, 1000), }\n")
UNFINISHED = header("{'descr': '|u1', 'fortran_order': False, 'shape': (1,\n")
SHOW = "data --data bad.npz"
NO_ZIP = "bad.npz is no readable .npz file"


def picture(at: Path, size: tuple[int, int] = (8, 6), mode: str = "L") -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, sum(map(ord, str(at))) % 251).save(at)


def pictures(**change: Make) -> Make:
    """`photos`, a good folder of pictures, with one thing changed in it."""

    def make(folder: Path) -> None:
        for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
            for number in range(5):
                picture(folder / "photos" / place / f"{number}.png")
        for one in change.values():
            one(folder / "photos")

    return make


def gone(*places: str) -> Make:
    def remove(photos: Path) -> None:
        for place in places:
            shutil.rmtree(photos / place)

    return remove


def same_classes(photos: Path) -> None:
    shutil.rmtree(photos / "train" / "dog")
    shutil.copytree(photos / "train" / "cat", photos / "train" / "dog")


def changed_parts(photos: Path) -> None:
    (photos / "train").rename(photos / "Training")
    (photos / "test").rename(photos / "Testing")


PHOTOS = "data photos"
KEPT = {"FMSEARCH_CACHE": "cache"}


# fmt: off
DATA = (
    Bad("text", SHOW, NO_ZIP, file("bad.npz", "x_train,y_train\n")),
    Bad("half a zip", SHOW, NO_ZIP, lambda at: file("bad.npz", (at / "tiny.npz").read_bytes()[:900])(at)),
    Bad("a zip of other things", SHOW, "has no array x_train and no y_train", zipped({"a.txt": b"a"})),
    Bad("names with ..", SHOW, "has no array x_train", zipped({"../x_train.npy": b"", "y_train": b""})),
    Bad("no arrays inside", SHOW, "x_train is |S1 ()", zipped({"x_train": b"a", "y_train": b"a"})),
    Bad("an array of terabytes", SHOW, NO_ZIP, zipped({"x_train.npy": HUGE, "y_train.npy": HUGE})),
    Bad("a cut header", SHOW, NO_ZIP, zipped({"x_train.npy": UNFINISHED, "y_train.npy": HUGE})),
    Bad("an encrypted zip", SHOW, "is encrypted, password required", marked_as_encrypted),
    Bad("pickled images", SHOW, "Object arrays cannot be loaded", data(x_train=np.array([None] * 20))),
    Bad("pickled labels", SHOW, "Object arrays cannot be loaded", data(y_test=np.array([None] * 4))),
    Bad("12 bits or 16", SHOW, "either 10 bits (0 to 1023), or 16 bits and dark", data(x_train=np.full((20, 8, 8), 1000, np.uint16))),
    Bad("a film", SHOW, "x_test is uint8 (4, 8, 8, 3, 2)", data(x_test=np.zeros((4, 8, 8, 3, 2), np.uint8))),
    Bad("images without pixels", SHOW, "x_train is uint8 (20, 0, 8)", data(x_train=np.zeros((20, 0, 8), np.uint8))),
    Bad("no test images", SHOW, "x_test is uint8 (0, 8, 8)", data(x_test=np.zeros((0, 8, 8), np.uint8))),
    Bad("labels with a point", SHOW, "y_test is float64 (4,)", data(y_test=np.zeros(4))),
    Bad("true and false", SHOW, "y_train is bool (20,)", data(y_train=np.repeat([True, False], 10))),
    Bad("negative test labels", SHOW, "y_test has labels outside 0 to 9999", data(y_test=np.array([0, 1, 0, -1]))),
    Bad("enormous labels", SHOW, "y_train has labels outside", data(y_train=np.array([2**63] * 20, np.uint64))),
    Bad("other test labels", SHOW, "has 4 images, y_test 3 labels", data(y_test=np.array([0, 1, 0]))),
    Bad("names in a square", SHOW, "class_names has shape (2, 2)", data(class_names=np.array([["a", "b"]] * 2))),
    Bad("two places of channels", SHOW, "3 channels behind, or of 8 x 3", data(x_train=np.zeros((20, 3, 8, 3), np.uint8))),
    Bad("standardized images", SHOW, "no values below 0", data(x_train=np.full((20, 8, 8), -0.5))),
    Bad("images with nan", SHOW, "1,280 values that are nan or infinite", data(x_train=np.full((20, 8, 8), np.nan))),
    Bad("nearly 0 to 1", SHOW, "is either 0 to 1 with some values above it", data(x_train=np.full((20, 8, 8), 1.2))),
    Bad("0 and 1 of numbers", SHOW, "is either black and white, or", data(x_train=np.ones((20, 8, 8), int))),
    Bad("soft labels", SHOW, "or one-hot", data(y_train=np.full((20, 2), 0.5))),
    Bad("an array twice", SHOW, "has both x_train and y_train and images and labels", data(images=np.zeros(3), labels=np.zeros(3))),
    Bad("an empty picture", PHOTOS, "photos: train/cat/1.png is empty", pictures(a=file("train/cat/1.png", "")), environment=KEPT),
    Bad("text as a picture", PHOTOS, "train/cat/1.png is no picture that can be read", pictures(a=file("train/cat/1.png", "a")), environment=KEPT),
    Bad("a cut picture", PHOTOS, "test/dog/1.png is no picture", pictures(a=lambda at: file("test/dog/1.png", (at / "test/dog/1.png").read_bytes()[:45])(at)), environment=KEPT),
    Bad("a bomb", PHOTOS, "has 9000 x 9000 pixels; at most", pictures(a=lambda at: picture(at / "test/dog/b.png", (9000, 9000), "1")), environment=KEPT),
    Bad("a larger bomb", PHOTOS, "b.png is too large", pictures(a=lambda at: picture(at / "test/dog/b.png", (15000, 15000), "1")), environment=KEPT),
    Bad("an empty class", PHOTOS, "2 faults: train/eel is a class that test has not; train/eel has no picture", pictures(a=lambda at: (at / "train/eel").mkdir()), environment=KEPT),
    Bad("a class of one part", PHOTOS, "photos: train/dog is a class that test has not", pictures(a=gone("test/dog")), environment=KEPT),
    Bad("classes with the same pictures", PHOTOS, "photos: train/cat and train/dog have the same pictures", pictures(a=same_classes), environment=KEPT),
    Bad("one class", PHOTOS, "photos: has one class; two are needed", pictures(a=gone("train/dog", "test/dog")), environment=KEPT),
    Bad("few pictures", PHOTOS, "photos: train/ox has 1 picture; each class needs at least 4", pictures(a=lambda at: [picture(at / part / "ox/1.png") for part in ("train", "test")]), environment=KEPT),
    Bad("parts of other names", PHOTOS, "name those for training and test train and test", pictures(a=changed_parts), environment=KEPT),
    Bad("a broken link", PHOTOS, "train/cat/l.png is a broken link", pictures(a=lambda at: (at / "train/cat/l.png").symlink_to("l.png")), environment=KEPT),
    Bad("a pipe among pictures", PHOTOS, "train/cat/p.png is no file", pictures(a=lambda at: os.mkfifo(at / "train/cat/p.png")), environment=KEPT),
    Bad("pixels of 32 bits", PHOTOS, "f.tif has pixels of 32 bits", pictures(a=lambda at: picture(at / "train/cat/f.tif", mode="F")), environment=KEPT),
    Bad("no pictures at all", "data no", "has no folders of classes with pictures in them", lambda at: (at / "no").mkdir(), environment=KEPT),
    Bad("a zipped folder", "data photos.zip", "is an archive; unpack it", file("photos.zip", "PK")),
    Bad("one picture", "data cat.png", "is one picture; --data takes a folder of them", lambda at: picture(at / "cat.png")),
    Bad("an address", "data https://example.org/a.npz", "is a URL; --data takes what is on this machine", code=1),
    Bad("a cut idx file", "data idx", "is no readable file of an array", lambda at: [(at / "idx").mkdir(), *[file(f"idx/train-{one}-idx3-ubyte", b"\0\0")(at) for one in ("images", "labels")]]),
    Bad("idx files without labels", "data idx", "idx: has no train labels", lambda at: [(at / "idx").mkdir(), file("idx/train-images-idx3-ubyte", b"")(at)]),
    Bad("a size for arrays", "data tiny.npz --image-size 8x8", "--image-size is for folders of pictures"),
    Bad("a size for Fashion-MNIST", "data --image-size 8x8", "the images of fashion-mnist are 28 x 28"),
    Bad("a size of one side", "data photos --image-size 8", "'8' is no height and width like 64x48", code=2),
    Bad("a size of none", "data photos --image-size 0x8", "0x8 is not from 1x1 to 4096x4096", pictures(), environment=KEPT),
    Bad("sheets into a file", "data tiny.npz --contact-sheets small.yaml", "is a file", code=2),
)
