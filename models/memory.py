"""How much memory this process may use, and what does not fit into it."""

from __future__ import annotations

from pathlib import Path

from ..errors import FmsearchError

TRAINER_BYTES = 400 * 2**20
"""What a trainer needs beside the images, about (`benchmarks/shared_images.py` measures it)."""
SMALL_BYTES = 64 * 2**20
"""Images of less are not asked about."""


def check_unpacking(source: str, size: int) -> None:
    """See that so many bytes of a file can be unpacked in memory.

    Raises:
        FmsearchError: They cannot.
    """
    if size > SMALL_BYTES and size > (most := usable()):
        raise FmsearchError(
            f"{source} unpacks to {gigabytes(size)} at once, and {gigabytes(most)} of memory are "
            "free for it; store uint8, or a folder of pictures, which is read piece by piece"
        )


def check_training(source: str, images: int, trainers: int) -> None:
    """See that images of so many bytes, which trainers share, fit beside those.

    Raises:
        FmsearchError: They do not.
    """
    needed = images + trainers * TRAINER_BYTES
    if images > SMALL_BYTES and needed > (most := usable()):
        raise FmsearchError(
            f"the images of {source} take {gigabytes(images)} and {trainers} trainers about "
            f"{gigabytes(trainers * TRAINER_BYTES)}, and {gigabytes(most)} of memory are free for "
            "them; make the images smaller (--image-size, for a folder), or take fewer --jobs"
        )


def gigabytes(size: float) -> str:
    """A number of bytes in words."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"


def usable() -> int:
    """Bytes that this process may take: what the machine has free, or its cgroup allows."""
    return min([_available(), *_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])


def _available() -> int:
    for line in Path("/proc/meminfo").read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    raise ValueError("/proc/meminfo has no MemAvailable")


def _limits(own: Path, cgroups: Path) -> list[int]:
    """What is free below the limits of this process's cgroup and of those around it."""
    found = []
    for line in own.read_text("utf-8", "replace").splitlines():
        _, controllers, path = line.split(":", 2)
        root, name, used = cgroups, "memory.max", "memory.current"
        if controllers:
            if "memory" not in controllers.split(","):
                continue
            root, name = cgroups / "memory", "memory.limit_in_bytes"
            used = "memory.usage_in_bytes"
        folder = root / path.lstrip("/")
        for one in (folder, *folder.parents):
            if not one.is_relative_to(root):
                break
            if (limit := _number(one / name)) is not None:
                free = limit - (_number(one / used) or 0) + _reclaimable(one / "memory.stat")
                found.append(max(0, free))
    return found


def _number(file: Path) -> int | None:
    try:
        text = file.read_text("ascii").strip()
    except OSError:  # a container does not see the cgroups around it
        return None
    return int(text) if text.isdigit() else None  # "max" is no limit


def _reclaimable(stat: Path) -> int:
    """Bytes of files that are kept in memory as long as nobody needs it."""
    try:
        lines = dict(line.split() for line in stat.read_text("ascii").splitlines())
    except (OSError, ValueError):
        return 0
    return int(lines.get("inactive_file", 0)) + int(lines.get("active_file", 0))
