"""MLflow's server, run so that it ends with the program that started it, however that ends.

    python -m fmsearch.tracking.ui_server server ...

Standard input is a pipe that the other program holds open: its end is the order to end. The
operating system closes it, even where a SIGKILL leaves no time for orders.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

END_SECONDS = 5
"""Time for requests that are being answered."""


def main() -> None:
    """Be `mlflow`, with the arguments of this program; leads a process group of its own."""
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    from mlflow.cli import cli

    cli()


def _end_with_the_starter() -> None:
    """Wait for the order, and end the group, to which MLflow's own children belong."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(END_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
