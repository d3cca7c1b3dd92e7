"""Writes `tests/data/fashion.npz`: of each class 240 training and 60 test images."""

from pathlib import Path

import numpy as np

from fmsearch.models import fashion_mnist
from fmsearch.models.data import FASHION_MNIST, Images, load_test, load_training

SUBSET = Path(__file__).parent / "data" / "fashion.npz"


def first_of_each_class(images: Images, count: int) -> Images:
    """The first `count` images of each class, in their own order."""
    rows = np.sort(np.concatenate([np.flatnonzero(images.labels == c)[:count] for c in range(10)]))
    return Images(images.pixels[rows], images.labels[rows])


def main() -> None:
    fashion_mnist.fetch()
    train = first_of_each_class(load_training(FASHION_MNIST), 240)
    test = first_of_each_class(load_test(FASHION_MNIST), 60)
    SUBSET.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        SUBSET,
        x_train=train.pixels,
        y_train=train.labels.astype(np.uint8),
        x_test=test.pixels,
        y_test=test.labels.astype(np.uint8),
        class_names=np.array(fashion_mnist.CLASS_NAMES),
    )


if __name__ == "__main__":
    main()
