"""Promotion: which version gets an alias, on an embedded store and on a server."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Thread

import pytest
from mlflow.entities.model_registry import ModelVersion

from fmsearch.errors import FmsearchError
from fmsearch.places import Places
from fmsearch.search.retrain.gate import GATE, Answers
from fmsearch.search.retrain.promotion import check_target, promote, roll_back
from fmsearch.tracking.registry import holder_of
from fmsearch.tracking.registry_turn import TAG_TURN, registry_turn
from fmsearch.tracking.store import Store

IMAGES = 200


def answers(right: int) -> Answers:
    """Right on the first so many gate images."""
    return Answers(
        data_sha256="d",
        rows_sha256="r",
        class_names=("shirt", "bag"),
        labels=(1,) * IMAGES,
        predicted=tuple(int(number < right) for number in range(IMAGES)),
    )


class Registry:
    """A registered model whose versions are promoted."""

    def __init__(self, places: Places, name: str) -> None:
        self.places, self.name, self.store = places, name, Store(places)
        self.store.client.create_registered_model(name)

    def version(self, right: int | None) -> str:
        """A new version; without answers on record if `right` is None."""
        client = self.store.client
        run_id = client.create_run(self.store.experiment_id).info.run_id
        if right is not None:
            client.log_text(run_id, answers(right).text, GATE)
        made = client.create_model_version(self.name, f"runs:/{run_id}/model", run_id)
        return str(made.version)

    def promote(self, version: str, right: int, *, force: bool = False) -> tuple[str, str]:
        """The alias that it gets, and the last words of the reason."""
        got = promote(
            *(self.store, self.places, self.name, version, answers(right), "It came so: {}".format),
            alias="champion",
            force=force,
        )
        return got.alias, got.reason.split(": ")[-1]

    def holder(self, alias: str) -> str | None:
        found = holder_of(self.store, self.name, alias)
        return None if found is None else str(found.version)

    def read(self, version: str) -> ModelVersion:
        return self.store.client.get_model_version(self.name, version)


@pytest.fixture(params=["embedded", "server"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    server = None
    if request.param == "server":
        server = f"http://127.0.0.1:{request.getfixturevalue('mlflow_server')}"
    places = Places.of(tmp_path / "mlruns", server, experiment=request.node.name)
    return Registry(places, request.node.name.replace("[", ".").rstrip("]"))


def test_the_alias_goes_to_a_better_one_and_back(registry: Registry) -> None:
    assert registry.promote(registry.version(100), 100) == (
        "champion",
        "no version is champion yet",
    )
    assert registry.promote(registry.version(104), 104)[0] == "challenger"  # p = 1 / 2**4
    assert (registry.holder("champion"), registry.holder("challenger")) == ("1", "2")
    assert registry.promote(registry.version(110), 110) == ("champion", "better")
    assert registry.promote("3", 110) == ("champion", "it is champion already")
    tags = registry.read("3").tags
    assert tags.pop("fmsearch.gate").startswith("accuracy 0.5500 on 200 gate images, version 1 0.5")
    assert tags == {
        "fmsearch.gate.p": "0.000977",  # 1 / 2**10
        "fmsearch.gate.difference": "+0.0500",
        "fmsearch.gate.against": "1",
        "fmsearch.before.champion": "1",
    }
    assert roll_back(registry.store, registry.places, registry.name, "champion") == ("3", "1")
    assert registry.holder("champion") == "1"
    assert registry.read("3").tags["fmsearch.taken_back"].endswith(" UTC")
    with pytest.raises(FmsearchError, match=r"version 1 of .* took the alias 'champion' from no"):
        roll_back(registry.store, registry.places, registry.name, "champion")
    with pytest.raises(FmsearchError, match="has the alias 'best'"):
        roll_back(registry.store, registry.places, registry.name, "best")


def test_force_gives_the_alias_to_a_worse_one_and_says_so(registry: Registry) -> None:
    registry.promote(registry.version(None), 100)
    assert registry.promote(registry.version(90), 90)[0] == "challenger"
    assert registry.promote("2", 90, force=True)[0] == "champion"
    assert registry.promote(registry.version(80), 80, force=True) == ("champion", "not better")
    tags = registry.read("3").tags
    assert (tags["fmsearch.gate.forced"], tags["fmsearch.before.champion"]) == ("true", "2")
    assert registry.read("3").description.startswith("It came so: accuracy 0.4000 on 200 gate")
    assert registry.read("3").description.endswith("p = 1: not better, but forced, so champion")


def test_of_two_at_once_the_second_meets_the_first(registry: Registry) -> None:
    """Both are better than the champion, and neither than the other."""
    registry.promote(registry.version(100), 100)
    versions = [registry.version(120), registry.version(120)]
    got: dict[str, str] = {}
    begin = Barrier(2)

    def one(version: str) -> None:
        mine = Registry.__new__(Registry)
        mine.places, mine.name, mine.store = registry.places, registry.name, Store(registry.places)
        begin.wait()
        got[version] = mine.promote(version, 120)[0]

    threads = [Thread(target=one, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got.values()) == ["challenger", "champion"]
    assert got[registry.holder("champion") or ""] == "champion"
    assert not registry.store.client.get_registered_model(registry.name).tags


def test_a_turn_that_a_dead_process_left_does_not_last(tmp_path: Path, mlflow_server: int) -> None:
    places = Places.of(tmp_path / "mlruns", f"http://127.0.0.1:{mlflow_server}")
    registry = Registry(places, "left")
    registry.store.client.set_registered_model_tag("left", f"{TAG_TURN}.dead", "1")
    with registry_turn(registry.store, places, "left", stale_seconds=0.5):
        (mine,) = registry.store.client.get_registered_model("left").tags
        assert mine != f"{TAG_TURN}.dead"


@pytest.mark.parametrize("alias", ["challenger", "latest", "v3", "für", ""])
def test_aliases_that_cannot_be_fought_for_are_refused(alias: str) -> None:
    with pytest.raises(FmsearchError, match="--alias"):
        check_target("mine", alias)
