"""Fashion-MNIST: where it is looked for, and what is done with damaged files."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models import fashion_mnist


@pytest.fixture
def only_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fashion-MNIST's sources that read files, looking in an empty folder; none that download."""
    monkeypatch.setenv("FMSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    files = ("cache", "Debian's installed data set")
    sources = {name: fashion_mnist.SOURCES[name] for name in files}
    monkeypatch.setattr(fashion_mnist, "SOURCES", sources)
    return tmp_path


def test_when_no_source_has_the_data_the_error_lists_what_was_tried(only_files: Path) -> None:
    with pytest.raises(FmsearchError) as caught:
        fashion_mnist.fetch()
    for part in ("cache: ", "Debian's installed data set: no ", "--data FILE.npz"):
        assert part in str(caught.value)


def test_damaged_files_of_a_source_are_not_taken(only_files: Path) -> None:
    (only_files / "debian").mkdir()
    for name in fashion_mnist.SHA256:
        (only_files / "debian" / f"{name}.gz").write_bytes(gzip.compress(b"other bytes"))
    with pytest.raises(FmsearchError, match="its SHA-256 is not the published one"):
        fashion_mnist.fetch()
    assert not (only_files / "cache").exists()


def test_good_files_of_a_source_are_kept_and_read_from_the_cache(
    only_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"some bytes"
    sums = {"a-file": hashlib.sha256(content).hexdigest()}
    monkeypatch.setattr(fashion_mnist, "SHA256", sums)
    (only_files / "debian").mkdir()
    (only_files / "debian" / "a-file.gz").write_bytes(gzip.compress(content))
    before = os.umask(0o022)
    try:
        assert fashion_mnist.fetch() == "Debian's installed data set"
    finally:
        os.umask(before)
    assert fashion_mnist.fetch() == "cache"
    assert fashion_mnist.read("a-file") == content
    cached = fashion_mnist.cache_folder() / "a-file"
    assert cached.stat().st_mode & 0o777 == 0o644  # other users may share the cache


def test_a_damaged_cache_is_refused_and_replaced(
    only_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_good_files_of_a_source_are_kept_and_read_from_the_cache(only_files, monkeypatch)
    (fashion_mnist.cache_folder() / "a-file").write_bytes(b"")
    with pytest.raises(FmsearchError, match="is damaged"):
        fashion_mnist.read("a-file")
    assert fashion_mnist.fetch() == "Debian's installed data set"
    assert fashion_mnist.fetch() == "cache"
