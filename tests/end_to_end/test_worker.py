"""Workers that join a study: what they take from the storage, and cut lines."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from mlflow import MlflowClient

from fmsearch.cli import main
from fmsearch.places import Places
from fmsearch.search.engines.optuna_engine import OptunaEngine
from fmsearch.search.engines.strategy import Strategy
from fmsearch.search.environment import here
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.trial import State

from ..conftest import Begin, Command
from ..storage.new_study import SEARCH, make, trials

TRIALS = 20


@pytest.fixture
def begin(begin: Begin) -> Begin:
    """Begins commands with one trainer each."""
    return lambda *arguments, **how: begin(*arguments, FMSEARCH_JOBS="1", **how)


def ended(command: Command) -> str:
    """What a command said that went well."""
    said, errors = command.communicate(timeout=600)
    assert command.returncode == 0, said + errors
    return said


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_server_that_leaves_artifacts_to_its_clients_is_refused(
    mlflow_without_proxy: int, tmp_path: Path, images: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    uri = f"http://127.0.0.1:{mlflow_without_proxy}"
    (tmp_path / "search.yaml").write_text(SEARCH)
    with pytest.raises(SystemExit) as ended:
        main([
            "study", "--space", f"{tmp_path}/search.yaml", "--data", str(images),
            "--home", str(tmp_path), "--tracking-uri", uri,
        ])  # fmt: skip
    assert (
        f"'fmsearch' written to {tmp_path}/root/0, a folder of its own machine;"
        in capfd.readouterr().err
    )
    assert ended.value.code == 1


def test_a_worker_waits_for_its_study_and_takes_all_from_the_storage(
    begin: Begin, database: str, images: Path, tmp_path: Path
) -> None:
    where = ("--offline", "--storage", database, "--home", "home")
    worker = begin("worker", "--study", "mine", "--wait", "5m", *where)
    time.sleep(1)
    study = make(database, images, name="mine", seed=7)
    said = ended(worker)
    assert said.startswith("mine: 3 trials, 1 trainer\n[1/3] trial 0: score ")
    assert said.endswith("3 trials wait in the outbox; `fmsearch sync` ships them\n")
    alone = make(f"sqlite:///{tmp_path / 'alone.db'}", images, seed=7)
    engine = OptunaEngine(
        read_space(SEARCH, "space"), alone, Strategy("random", "none"), study.config.seed
    )
    assert [one.parameters for one in study.trials()] == [engine.ask()[0].parameters for _ in "123"]
    assert open_storage(database).study("mine").config == study.config


def test_data_that_stand_elsewhere_are_named_by_the_worker(
    begin: Begin, images: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved.npz"
    moved.write_bytes(images.read_bytes())
    make(Places.of(tmp_path / "mlruns").storage, moved)
    moved.unlink()
    assert "3 trials, 1 trainer" in ended(begin("worker", "--study", "search", "--data", images))
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    runs = client.search_runs(["1"])
    assert sorted(run.data.tags["fmsearch.role"] for run in runs) == ["study", *["trial"] * 3]
    assert sum(here().processor in run.data.tags.values() for run in runs) == 3


def test_sigterm_hands_the_trial_back_though_the_tracking_server_hangs(
    begin: Begin, database: str, mlflow_server: int, images: Path
) -> None:
    line = Line(("127.0.0.1", mlflow_server))
    study = make(database, images, trials=1000)
    worker = begin(
        "worker", "--study", "search", "--storage", database,
        "--tracking-uri", f"http://127.0.0.1:{line.port}", "--experiment", "hangs",
    )  # fmt: skip
    wait_until(lambda: sum(one.state.finished for one in study.trials()) > 2)
    line.hold()
    time.sleep(1)
    worker.terminate()
    _, errors = worker.communicate(timeout=50)  # a request alone is waited for 60 s
    assert worker.returncode == 130, errors
    assert errors.endswith("interrupted; the same command goes on from here\n")
    assert "Traceback" not in errors
    assert not [one for one in study.trials() if one.state is State.RUNNING]
    line.close()


class Line:
    """The line between a worker and a server, that can be cut in the middle of a word.

    Attributes:
        port: On loopback, where it begins.
    """

    def __init__(self, server: tuple[str, int] | str) -> None:
        self._server = server
        self._is_cut = self._is_held = False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self, seconds: float) -> None:
        """Cut what is being said in half, then all that is open; nobody gets through meanwhile."""
        self._is_cut = True
        time.sleep(0.1)
        for end in self._open:
            _close(end)
        self._open.clear()
        time.sleep(seconds)
        self._is_cut = False

    def hold(self) -> None:
        """Let nothing through any more, and leave all open."""
        self._is_held = True

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):  # when it is closed
            while True:
                client, _ = self._listener.accept()
                if self._is_cut:
                    client.close()
                    continue
                family = socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET
                server = socket.socket(family)
                server.connect(self._server)
                self._open += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while self._is_held:
                    time.sleep(0.1)
                if self._is_cut:
                    sink.sendall(data[: len(data) // 2])
                    break
                sink.sendall(data)
        _close(source)
        _close(sink)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def test_of_a_worker_whose_lines_are_cut_nothing_is_lost_and_nothing_stands_twice(
    begin: Begin, database: str, mlflow_server: int, images: Path
) -> None:
    stored = Line(f"{database.partition('host=')[2]}/.s.PGSQL.5432")
    store = Line(("127.0.0.1", mlflow_server))
    direct = {
        "FMSEARCH_STORAGE": database,
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{mlflow_server}",
        "MLFLOW_EXPERIMENT_NAME": "cut",
        "FMSEARCH_HOME": "direct",
    }
    cut = {
        **direct,
        "FMSEARCH_STORAGE": f"postgresql://postgres@127.0.0.1:{stored.port}/postgres",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{store.port}",
        "FMSEARCH_HOME": "cut",
    }
    make(database, images, trials=TRIALS)
    workers = [begin("worker", "--study", "search", **where) for where in (direct, cut)]
    chance = random.Random(3)
    assert " trainer" in workers[1].stdout.readline()  # until it works, a dead line is an error
    while workers[1].poll() is None and not is_over(database):
        time.sleep(chance.uniform(0.5, 2))
        for line in chance.choice([(stored,), (store,), (stored, store)]):
            line.cut(chance.uniform(0, 1))
    said = [ended(worker) for worker in workers]
    told = [
        line.split("trial ")[1].split(":")[0]
        for one in said
        for line in one.splitlines()
        if line[0] == "["
    ]
    assert sorted(map(int, told)) == list(range(TRIALS))
    assert all(one.count("trial") > 2 for one in said), said
    assert [one.state.value for one in trials(database, "search")] == ["complete"] * TRIALS
    ended(begin("sync", **{**direct, "FMSEARCH_HOME": "cut"}))  # what waits if the last try failed
    client = MlflowClient(direct["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("cut")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == TRIALS + 1
    assert [len(run.outputs.model_outputs) for run in runs].count(1) == TRIALS
    assert "no differences" in ended(begin("doctor", "search", **direct))


def is_over(url: str) -> bool:
    found = trials(url, "search")
    return len(found) >= TRIALS and all(one.state.finished for one in found)
