"""Writes the folder of 200 pictures beside it: 20 of each class, as people have them.

python examples/make_pictures.py
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
IMAGES = HERE.parent / "tests" / "data" / "fashion.npz"
COUNT = 20


def main(folder: Path = HERE / "pictures") -> None:
    with np.load(IMAGES) as arrays:
        pixels, labels, names = (arrays[name] for name in ("x_train", "y_train", "class_names"))
    for label, name in enumerate(names):
        ours = folder / re.sub(r"[ /]", "-", str(name).lower())
        ours.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(pixels[labels == label][:COUNT]):
            Image.fromarray(image).save(ours / f"{number:02}.png", optimize=True)


if __name__ == "__main__":
    main()
