"""Addresses: shown without their secrets."""

from __future__ import annotations

import pytest

from fmsearch.places import shown


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://me:secret@h/d", "postgresql://me:***@h/d"),
        ("postgresql://me:se@cret@h/d", "postgresql://me:***@h/d"),
        (
            "postgresql://h/d?user=me&password=secret&x=1",
            "postgresql://h/d?user=me&password=***&x=1",
        ),
        ("https://secret@h/path", "https://***@h/path"),
        ("https://me:secret@h:5000/path", "https://me:***@h:5000/path"),
        ("sqlite:////srv/a@b/studies.db", "sqlite:////srv/a@b/studies.db"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, expected: str) -> None:
    assert shown(address) == expected
