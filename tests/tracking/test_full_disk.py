"""Errors that came from a full disk."""

from __future__ import annotations

import errno

from fmsearch.errors import full_disk


def test_an_error_that_came_from_a_full_disk_is_known() -> None:
    error = RuntimeError("cannot save")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert "No space left on device" in full_disk(error)
    assert full_disk(OSError(errno.EACCES, "Permission denied")) == ""
