"""Standard streams: what is printed where nobody listens, or where nothing can be written."""

from __future__ import annotations

import os
import sys

from ..errors import full_disk


def mend_streams() -> None:
    """Let standard input, output and error exist.

    If a stream is closed (`>&-`), what is printed there goes nowhere. Its descriptor's number is
    taken, too: else a database would get it, and libraries would print into that.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123


def nobody_reads() -> bool:
    """Whether the reader of standard output has ended, as `head` does."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def flush() -> str:
    """Write what is left to print.

    Returns:
        A line for the user if that fails; empty if not, or if the reader has ended.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        return ""
    except OSError as error:
        return full_disk(error) or f"cannot write the output ({error})"
    return ""
