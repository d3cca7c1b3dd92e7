"""The library whose kernels compute: Eigen or oneDNN, which TensorFlow takes when it is loaded.

Which one is faster depends on the network (`docs/speed.md`); the last bits of all numbers differ.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FmsearchError

VARIABLE = "FMSEARCH_KERNELS"
TENSORFLOWS = "TF_ENABLE_ONEDNN_OPTS"
LIBRARIES = {"eigen": "0", "onednn": "1"}
"""The libraries, and what TensorFlow's variable is for each."""
TENSORFLOW_READS = {"0": "eigen", "false": "eigen", "1": "onednn", "true": "onednn"}
"""What TensorFlow understands; it goes its own way with any other value."""
FOR_ONEDNN = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}
"""Instructions, as Linux calls them, for any of which TensorFlow takes oneDNN by itself."""


def kernels_for(preferred: str) -> str:
    """The library with which something new computes; empty if it is unknown what TensorFlow takes.

    Args:
        preferred: As `Family.kernels`.

    Raises:
        FmsearchError: As `kernels_of_user`.
    """
    return kernels_of_user() or preferred or tensorflows_choice()


def tensorflows_choice(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The library that TensorFlow takes by itself on this processor; empty if that is unknown.

    Its `IsMklEnabled` (`core/util/util.cc`) says so, which nobody can ask without loading it.
    """
    try:
        found = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        return ""
    if found is None:
        return ""
    return "onednn" if FOR_ONEDNN.intersection(found[1].split()) else "eigen"


def kernels_of_user() -> str:
    """The library that the user's environment variables name; empty if they name none.

    Raises:
        FmsearchError: A variable has an unknown value, or one contradicts the other.
    """
    ours = os.environ.get(VARIABLE, "")
    if ours and ours not in LIBRARIES:
        raise FmsearchError(f"{VARIABLE}: {ours!r} is unknown; it is {' or '.join(LIBRARIES)}")
    text = os.environ.get(TENSORFLOWS, "")
    theirs = TENSORFLOW_READS.get(text.lower(), "")
    if text and not theirs:
        raise FmsearchError(f"{TENSORFLOWS}: {text!r} is unknown; it is 0 (Eigen) or 1 (oneDNN)")
    if ours and theirs and ours != theirs:
        raise FmsearchError(f"{VARIABLE}={ours} and {TENSORFLOWS}={text} contradict; set one")
    return ours or theirs


def kernels_to_go_on(recorded: str, what: str) -> str:
    """The library that goes on with what was begun; `what` names that in the error.

    Args:
        recorded: The library with which it was begun. Empty if an earlier version of fmsearch began
            it, with what TensorFlow chose by itself: unless the user names one, it chooses again.
        what: As in "the study 'mlp'".

    Raises:
        FmsearchError: The user's variables name another library.
    """
    users = kernels_of_user()
    if recorded and users and users != recorded:
        name = VARIABLE if os.environ.get(VARIABLE) else TENSORFLOWS
        raise FmsearchError(
            f"{what} computes with {recorded}, and {name}={os.environ[name]} is for {users}; take "
            "that variable away"
        )
    return recorded or users


@contextmanager
def computed_by(kernels: str) -> Iterator[None]:
    """Let a TensorFlow that is loaded meanwhile, here or in a process that is begun, take them.

    Args:
        kernels: A library; empty to leave the choice to TensorFlow and its variable.
    """
    before = os.environ.get(TENSORFLOWS)
    if kernels:
        os.environ[TENSORFLOWS] = LIBRARIES[kernels]
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(TENSORFLOWS, None)
        else:
            os.environ[TENSORFLOWS] = before
