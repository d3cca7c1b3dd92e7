"""Lock files: who holds one is told when somebody has removed it, and the store with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.locks import hold

GONE = r"somebody has removed the store during the study 'a' \(.*/a.lock is gone\); remove what is "


def remove_while_held(lock: Path, error: Exception | None = None, *, looks: bool = False) -> None:
    with hold(lock, "the study 'a'") as check:
        check()
        lock.unlink()
        if error is not None:
            raise error
        if looks:
            check()
            lock.touch()  # not reached


@pytest.mark.parametrize("looks", [False, True])
def test_a_lock_that_is_removed_is_noticed_at_any_time_and_in_the_end(
    looks: bool, tmp_path: Path
) -> None:
    with pytest.raises(FmsearchError, match=GONE):
        remove_while_held(tmp_path / "a.lock", looks=looks)


def test_what_fails_because_the_store_is_removed_is_named_so(tmp_path: Path) -> None:
    error = ValueError("no such table")
    with pytest.raises(FmsearchError, match=GONE) as raised:
        remove_while_held(tmp_path / "a.lock", error)
    assert raised.value.__cause__ is error


def test_what_fails_otherwise_keeps_its_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="other"), hold(tmp_path / "a.lock", "the study 'a'"):
        raise ValueError("other")
