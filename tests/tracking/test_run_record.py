"""What a run is to hold, before it is shipped."""

from __future__ import annotations

import pytest

from fmsearch.tracking.run_record import RunRecord, Status, tagged


def test_a_run_cannot_be_ended_and_running() -> None:
    with pytest.raises(ValueError, match="is FINISHED and ended at None"):
        RunRecord(name="s", identity={}, status=Status.FINISHED, started_at=1)


def test_the_narrowest_of_the_tags_that_name_a_run_is_looked_for_first() -> None:
    assert tagged({"study": "grid", "trial": "7"}) == "tags.`trial` = '7' and tags.`study` = 'grid'"
