"""The outbox: an entry is there as a whole, or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fmsearch.search.outbox import (
    DamagedError,
    entries,
    entry_name,
    keep_apart,
    kept_apart,
    read_entry,
    remove_outbox,
    write_note,
)
from fmsearch.search.result import Duplicate
from fmsearch.search.whole_folders import discard, remove_half_written


def test_a_result_whose_removal_is_cut_off_counts_no_more(tmp_path: Path) -> None:
    entry = tmp_path / entry_name(3)
    write_note(entry, Duplicate(1, {}, 7, 9_000))

    class Killed(BaseException):
        pass

    def kill(path: object, **_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fmsearch.search.whole_folders.os.rmdir", kill)
        with pytest.raises(Killed):
            discard(entry)
    assert entries(tmp_path) == {}
    discard(entry)
    assert not list(tmp_path.iterdir())


def test_results_that_are_shipped_while_a_study_ends_may_vanish_from_under_it(
    tmp_path: Path,
) -> None:
    shipped = [tmp_path / entry_name(number) for number in range(300)]
    for entry in shipped:
        entry.mkdir()
        for file in range(5):
            (entry / str(file)).touch()
    shipping = threading.Thread(target=lambda: [discard(entry) for entry in shipped])
    shipping.start()
    while shipping.is_alive():
        remove_half_written(tmp_path)
    remove_half_written(tmp_path)
    assert not list(tmp_path.iterdir())


def in_its_place(entry: Path) -> None:
    entry.rmdir()
    entry.touch()


DAMAGED = {
    "an empty folder": (lambda entry: None, "result.json is missing or damaged ([Errno 2]"),
    "broken JSON": (
        lambda entry: (entry / "result.json").write_text("{"),
        "result.json is missing or damaged (Expecting",
    ),
    "other JSON": (
        lambda entry: (entry / "result.json").write_text("[1]"),
        "result.json is missing or damaged (list indices",
    ),
    "half a note": (
        lambda entry: (entry / "failure.json").write_text("{}"),
        "failure.json is missing or damaged (Failure.__init__() missing",
    ),
    "a cut list of checksums": (
        lambda entry: (entry / "SHA256SUMS").write_text("0123"),
        "SHA256SUMS is damaged",
    ),
    "an empty list of checksums": (
        lambda entry: [(entry / name).touch() for name in ("SHA256SUMS", "result.json")],
        "SHA256SUMS is damaged",
    ),
    "a file": (in_its_place, "result.json is missing or damaged ([Errno 20]"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_read_is_kept_apart_with_the_reason(name: str, tmp_path: Path) -> None:
    damage, what = DAMAGED[name]
    entry = tmp_path / entry_name(3)
    entry.mkdir()
    damage(entry)
    with pytest.raises(DamagedError) as found:
        read_entry(entry)
    assert found.value.what.startswith(what)
    for apart in ("apart-trial-000003", "apart-trial-000003-2"):
        keep_apart(entry, found.value.what)
        assert entries(tmp_path) == {}
        assert kept_apart(tmp_path)[tmp_path / apart] == found.value.what
        entry.mkdir()
    remove_outbox(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_an_outbox_without_anything_apart_is_removed(tmp_path: Path) -> None:
    outbox = tmp_path / "outbox"
    write_note(outbox / entry_name(1), Duplicate(0, {}, 7, 9_000))
    remove_outbox(outbox)
    assert not outbox.exists()
