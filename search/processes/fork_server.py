"""The fork server: the process that has loaded TensorFlow, from which trainers are forked."""

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
    """Start the process from which trainers are forked; it loads TensorFlow meanwhile.

    Loading takes 4 s of CPU and 0.3 GB; forked trainers share both, and one that died is
    replaced in milliseconds. Forking is safe here: that process has no thread that computes.
    """
    # One thread of compute each, on the processor: with more, trainers would fight for cores, and
    # sums would not come in one order.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOADED])
    # Ctrl-C reaches the whole process group; what it means is for the coordinator alone.
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with temporary_files_in(scratch_folder()):
            forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, heard)
