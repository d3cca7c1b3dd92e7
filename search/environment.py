"""The environment of a training: versions and processor, on which its numbers depend."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ..models.kernels import LIBRARIES, TENSORFLOW_READS, TENSORFLOWS
from ..tracking.run_record import TAG_PROCESSOR, TAG_VERSIONS

PACKAGES = ("tensorflow", "keras", "numpy", "fmsearch")
KERNELS = (TENSORFLOWS, "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""Environment variables that choose kernels; a user's are followed."""
INSTRUCTIONS = ("avx", "avx2", "fma", "avx512f")
"""Sets of instructions among which TensorFlow's kernels choose; each adds in another order."""


@dataclass(frozen=True)
class Environment:
    """Where a training ran; empty if an earlier version of fmsearch did not store it.

    Attributes:
        versions: Versions of Python and of `PACKAGES`, by name; beside them the `KERNELS` that are
            set.
        processor: The processor's type and its sets of instructions.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    processor: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """The tags of a run."""
        if not self.versions:
            return {}
        return {TAG_VERSIONS: json.dumps(dict(self.versions)), TAG_PROCESSOR: self.processor}

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Environment:
        """Read the tags of a run."""
        versions = json.loads(tags.get(TAG_VERSIONS, "{}"))
        return cls(versions, tags.get(TAG_PROCESSOR, ""))

    @property
    def computing(self) -> dict[str, str]:
        """Versions of the packages on which numbers depend, without Python's, and `KERNELS`."""
        names = (*PACKAGES, *KERNELS)
        return {name: self.versions[name] for name in names if name in self.versions}

    @property
    def kernels(self) -> str:
        """The library that computed; empty if TensorFlow chose it by itself."""
        return kernels_in(self.versions)

    def differences(self, now: Environment) -> list[str]:
        """The differences, a line each; `self` is the earlier environment."""
        names = dict.fromkeys([*self.versions, *now.versions])
        versions = [
            f"{name} {self.versions.get(name, 'none')} then, {now.versions.get(name, 'none')} now"
            for name in names
            if name != TENSORFLOWS and self.versions.get(name) != now.versions.get(name)
        ]
        lines = [f"versions differ: {'; '.join(versions)}"] if versions else []
        if self.kernels != now.kernels:
            then, ours = (one.kernels or "TensorFlow's own choice" for one in (self, now))
            lines.append(f"kernels differ: {then} then, {ours} now")
        if self.processor != now.processor:
            lines.append(f"processor differs: {self.processor} then, {now.processor} now")
        return lines


def kernels_in(versions: Mapping[str, str]) -> str:
    """The library of `Environment.kernels`, from versions."""
    return TENSORFLOW_READS.get(versions.get(TENSORFLOWS, "").lower(), "")


@cache
def here(kernels: str = "") -> Environment:
    """The environment of this process; reading it imports none of the packages.

    Args:
        kernels: The library that is chosen for trainers, in the process that starts them; empty in
            trainers themselves.
    """
    versions = {"python": platform.python_version()}
    versions |= {name: version(name) for name in PACKAGES}
    versions |= {name: os.environ[name] for name in KERNELS if os.environ.get(name)}
    if kernels:
        versions[TENSORFLOWS] = LIBRARIES[kernels]
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        text = ""
    return Environment(versions, processor(text))


def processor(text: str) -> str:
    """The type of the first processor in the text of /proc/cpuinfo.

    It includes family and model, because in the cloud the name alone is not specific.
    """
    lines = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    known = {name.strip(): value.strip() for name, _, value in lines}
    name = known.get("model name", platform.machine())
    numbers = [f"{key} {known[key]}" for key in ("cpu family", "model") if key in known]
    flags = known.get("flags", "").split()
    return ", ".join([name, *numbers, *(one for one in INSTRUCTIONS if one in flags)])
