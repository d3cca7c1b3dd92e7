"""MLflow's scoring server for one model, in this process and for this machine only."""

from __future__ import annotations

import socket
import warnings
from typing import TYPE_CHECKING

import numpy as np

from .loopback import END_SECONDS

if TYPE_CHECKING:
    from .registered import RegisteredModel


def serve_model(model: RegisteredModel, listening: socket.socket) -> None:
    """Answer requests until Ctrl-C or SIGTERM; those that are being answered are finished.

    Raises:
        KeyboardInterrupt: It was ended so, where the signal's handler raises this.
    """
    warnings.filterwarnings("ignore", module="mlflow")  # of libraries that it still uses
    import uvicorn
    from mlflow.pyfunc.scoring_server import init

    config = uvicorn.Config(
        init(model.loaded),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=END_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


def warm_up(model: RegisteredModel) -> None:
    """Let the network answer once, so that its graph is there for the first request."""
    for images in (1, 2):
        model.loaded.predict(np.zeros((images, *model.image_shape), np.uint8))
