"""Bad data files."""
# ruff: noqa: E501  # the table has a case in a line

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

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
)
