"""The fork server: a process that has loaded TensorFlow, from which trainers are forked."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing import forkserver
from typing import TYPE_CHECKING

from .scratch import scratch_folder, temporary_files_in

if TYPE_CHECKING:
    pass


PRELOADED = "fmsearch.models.network"


def load_tensorflow_in_advance() -> None:
    """Start the fork server, which then loads TensorFlow in the background.

    Loading takes 4 s of CPU and 0.3 GB. Forked trainers share both, so that a dead one is replaced
    in milliseconds. Forking is safe, because the fork server has no computing threads.
    """
    # One computing thread for each trainer, on the CPU: with more, trainers would compete for
    # cores, and sums would not be added in one order.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOADED])
    # Ctrl-C reaches the whole process group, but only the coordinator reacts to it.
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with temporary_files_in(scratch_folder()):
            forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, heard)
