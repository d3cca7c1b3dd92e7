"""Memory: what a machine or a container has for images, and what is refused with the numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models import memory

GB = 2**30


def test_images_that_do_not_fit_are_refused_with_the_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "usable", lambda: 4 * GB)
    memory.check_training("photos", 3 * GB, 2)
    expected = (
        "the images of photos take 3.5 GB and 2 trainers about 800 MB, and 4.0 GB of memory are "
        "free for them"
    )
    with pytest.raises(FmsearchError, match=expected):
        memory.check_training("photos", 7 * GB // 2, 2)
    with pytest.raises(FmsearchError, match=r"mine.npz unpacks to 5\.0 GB at once, and 4\.0 GB"):
        memory.check_unpacking("mine.npz", 5 * GB)


def test_small_images_are_never_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "usable", lambda: 0)
    memory.check_training("photos", 50 * 2**20, 2)


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def test_the_limits_of_containers_count_without_what_is_used(tmp_path: Path) -> None:
    own, root = tmp_path / "own", tmp_path / "cgroup"
    own.write_text("0::/pod/ours\n")
    used = str(GB)
    write(root / "pod", memory__max=str(5 * GB), memory__current=used, memory__stat="anon 7\n")
    stat = f"anon 5\ninactive_file {GB // 4}\nactive_file {GB // 4}\n"
    write(root / "pod/ours", memory__max=str(2 * GB), memory__current=used, memory__stat=stat)
    assert sorted(memory._limits(own, root)) == [GB + GB // 2, 4 * GB]
    write(root / "pod/ours", memory__max="max\n")
    assert memory._limits(own, root) == [4 * GB]


def test_the_limit_of_older_systems_counts(tmp_path: Path) -> None:
    own, root = tmp_path / "own", tmp_path / "cgroup"
    own.write_text("4:cpu,cpuacct:/a\n3:memory:/a\n0::/\n")
    files = {"memory__limit_in_bytes": str(GB), "memory__usage_in_bytes": "0"}
    write(root / "memory" / "a", **files)
    assert memory._limits(own, root) == [GB]


def test_this_machine_has_some() -> None:
    assert 0 < memory.usable() < 2**50
