"""Contact sheets: a picture of each class, with many of its images."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import FmsearchError, full_disk
from .images import Parts, Pixels

SIDE = 10
LEAST_PIXELS, GAP = 48, 2


def save_contact_sheets(folder: Path, parts: Parts) -> None:
    """Write a PNG for each class: up to 100 training images, evenly chosen, in their order.

    Raises:
        FmsearchError: The folder cannot be written.
    """
    digits = len(str(len(parts.class_names) - 1))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for label, name in enumerate(parts.class_names):
            rows = np.flatnonzero(parts.train.labels == label)
            chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), SIDE**2)).astype(int)]
            file = re.sub(r"[^\w.-]+", "_", name)[:60]
            _save(folder / f"{label:0{digits}}-{file}.png", parts.train.pixels[chosen])
    except OSError as error:
        reason = full_disk(error) or error.strerror
        raise FmsearchError(f"cannot write in {folder}: {reason}") from error


def _save(file: Path, images: Pixels) -> None:
    from PIL import Image

    if images.ndim == 4 and images.shape[3] not in (3, 4):
        images = images[..., 0]
    count, height, width = images.shape[:3]
    scale = max(1, LEAST_PIXELS // max(height, width))
    large = images.repeat(scale, axis=1).repeat(scale, axis=2)
    step_y, step_x = height * scale + GAP, width * scale + GAP
    columns, rows = min(count, SIDE), -(-count // SIDE)
    sheet = np.full((rows * step_y + GAP, columns * step_x + GAP, *images.shape[3:]), 128, np.uint8)
    for place, image in enumerate(large):
        y, x = (
            GAP + at * step for at, step in zip(divmod(place, SIDE), (step_y, step_x), strict=True)
        )
        sheet[y : y + height * scale, x : x + width * scale] = image
    Image.fromarray(sheet).save(file)
