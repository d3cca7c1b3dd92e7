"""Publishing: what a training leaves on disk, under its name once all of it is there."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ...models.architecture import draw_architecture
from ..outbox import ARCHITECTURE, PREDICTED, SUMMARY, write_result
from ..result import Result
from ..whole_folders import new_folder, publish
from .saved_model import save_network

if TYPE_CHECKING:
    from ...models.network import Network
    from ...models.split import Rows

log = logging.getLogger(__name__)


def publish_result(
    entry: Path,
    result: Result,
    network: Network,
    *,
    with_model: bool,
    with_drawing: bool = False,
    predicted: Rows | None = None,
) -> None:
    """Publish a folder with the result, the network's summary, its model and its drawing.

    `predicted` are classes that it gave to images, which are published, too.
    """
    log.info("saving %s", entry.name)
    part = new_folder(entry)
    write_result(part, result)
    (part / SUMMARY).write_text(network.summary(), "utf-8")
    if with_drawing:
        draw_architecture(part / ARCHITECTURE, network.model)
    if with_model:
        save_network(network, part)
    if predicted is not None:
        (part / PREDICTED).write_text(json.dumps(predicted.tolist()), "utf-8")
    publish(part, entry)


def now() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
