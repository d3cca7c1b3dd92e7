"""Servers on this machine, for this machine only."""

from __future__ import annotations

import socket

from ..errors import FmsearchError

HOST = "127.0.0.1"
END_SECONDS = 5
"""Time for requests that are being answered."""


def listen(port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        FmsearchError: The port is taken.
    """
    # By its protocol asyncio knows that answers are to be sent at once, not 40 ms later.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise FmsearchError(
            f"port {port} is taken ({error.strerror}); choose another one with --port"
        ) from error
    return listening
