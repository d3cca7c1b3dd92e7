"""The outbox: an entry is there as a whole, or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fmsearch.search.outbox import discard, entries, entry_name, remove_half_written, write_note
from fmsearch.search.result import Duplicate


def test_a_result_whose_removal_is_cut_off_counts_no_more(tmp_path: Path) -> None:
    entry = tmp_path / entry_name(3)
    write_note(entry, Duplicate(1, {}, 7, 9_000))

    class Killed(BaseException):
        pass

    def kill(path: object, **_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fmsearch.search.outbox.os.rmdir", kill)
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
