"""The shipper: in order, again when the server was away, and never past a bug."""

from __future__ import annotations

import threading

import pytest

from fmsearch.tracking.reachability import TrackingError
from fmsearch.tracking.shipper import Shipper


def test_parcels_are_delivered_in_order_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmsearch.tracking.shipper.FIRST_PAUSE", 0.01)
    delivered: list[int] = []
    all_delivered = threading.Event()
    failures = iter([TrackingError("away"), TrackingError("away")])

    def parcel(number: int) -> None:
        error = next(failures, None)
        if error is not None:
            raise error
        delivered.append(number)
        if number == 2:
            all_delivered.set()

    shipper = Shipper()
    for number in range(3):
        shipper.give(lambda number=number: parcel(number))
    assert all_delivered.wait(10)
    shipper.close()
    assert delivered == [0, 1, 2]
    assert shipper.unshipped == []


def test_closing_tries_for_some_seconds_and_then_leaves_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fmsearch.tracking.shipper.LAST_TRIES_SECONDS", 1.5)
    calls: list[int] = []
    began = threading.Event()

    def away(number: int) -> None:
        calls.append(number)
        began.set()
        raise TrackingError("away")

    shipper = Shipper()
    for number in range(100):
        shipper.give(lambda number=number: away(number))
    assert began.wait(10)
    shipper.close()
    assert len(shipper.unshipped) == 100
    assert len(calls) > 2
    assert set(calls) == {0}  # the others wait on disk: one has found out that the server is away


def test_a_bug_in_a_parcel_surfaces() -> None:
    shipper = Shipper()
    shipper.give(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shipper.close()
