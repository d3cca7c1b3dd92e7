"""Tracking servers that are slow, hang, answer nonsense or go away, between a study and its end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ..conftest import Begin
from .records import trials

SPACE = """\
name: outage
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 8, batch_size: 64, epochs: 1}
parameters: {dropout_rate: [0.0, 0.1, 0.2, 0.3]}
"""


class Proxy:
    """Stands between a study and a server, and lets it work, or not.

    Attributes:
        fault: "" for none; "refuse", "500", "hang", or "slow" (2 s for every connection).
    """

    def __init__(self, port: int) -> None:
        self.fault = ""
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):  # when it is closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self.fault == "refuse":
                return
            if self.fault == "hang":
                time.sleep(60)
            if self.fault == "500":
                client.recv(65536)
                client.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
                return
            if self.fault == "slow":
                time.sleep(2)
            with socket.create_connection(("127.0.0.1", self._server)) as server:
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                self._forward(client, server)
                back.join()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """What the client says, as long as there is no fault: connections are kept open."""
        while data := client.recv(65536):
            if self.fault in ("refuse", "500"):
                client.shutdown(socket.SHUT_RDWR)
                break
            if self.fault == "hang":
                time.sleep(60)
            if self.fault == "slow" and data.startswith((b"GET", b"POST", b"PUT", b"PATCH")):
                time.sleep(2)
            server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


@pytest.fixture
def proxy(mlflow_server: int) -> Iterator[Proxy]:
    with closing(Proxy(mlflow_server)) as between:
        yield between


def test_a_study_ends_well_without_its_server_and_sync_ships_each_trial_once(
    begin: Begin, mlflow_server: int, images: Path, tmp_path: Path
) -> None:
    """Three studies beside each other, whose servers go away each in a way of its own."""
    (tmp_path / "outage.yaml").write_text(SPACE)
    with ExitStack() as stack:
        proxies = {
            fault: stack.enter_context(closing(Proxy(mlflow_server)))
            for fault in ("refuse", "500", "hang")
        }
        environments = {
            fault: {
                "FMSEARCH_HOME": str(tmp_path / fault),
                "MLFLOW_TRACKING_URI": proxy.url,
                "MLFLOW_EXPERIMENT_NAME": fault,
                "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",
                "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            }
            for fault, proxy in proxies.items()
        }
        options = ("--space", "outage.yaml", "--data", images, "--train-images", 200, "--jobs", 1)
        studies = {fault: begin("study", *options, **environments[fault]) for fault in environments}
        for fault, study in studies.items():
            assert study.stdout.readline() == "outage: 4 trials, 1 trainer\n"
            proxies[fault].fault = fault
        for fault, study in studies.items():
            said, errors = study.communicate(timeout=200)
            assert study.returncode == 0, errors
            assert "trials wait in the outbox; `fmsearch sync` ships them" in said
            assert "Traceback" not in errors
            finished = trials(tmp_path / fault, "outage")
            assert [trial.state.value for trial in finished] == ["complete"] * 4
            proxies[fault].fault = ""
        for sync in [begin("sync", **environments[fault]) for fault in environments]:
            _, errors = sync.communicate(timeout=200)
            assert sync.returncode == 0, errors

    client = MlflowClient(f"http://127.0.0.1:{mlflow_server}")
    for fault in environments:
        experiment = client.get_experiment_by_name(fault)
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id])
        assert sorted(run.data.tags["fmsearch.role"] for run in runs) == ["study", *["trial"] * 4]
        assert {run.info.status for run in runs} == {"FINISHED"}
        assert len(client.search_logged_models([experiment.experiment_id])) == 4


def test_a_slow_server_delays_no_training(
    begin: Begin, proxy: Proxy, mlflow_server: int, images: Path, tmp_path: Path
) -> None:
    """The last trial is told long before a server that takes 2 s for each call has the first."""
    (tmp_path / "outage.yaml").write_text(SPACE)
    environment = {"MLFLOW_TRACKING_URI": proxy.url, "MLFLOW_EXPERIMENT_NAME": "slow"}
    options = ("--data", images, "--train-images", 200, "--jobs", 1)
    proxy.fault = "slow"
    study = begin("study", "--space", "outage.yaml", *options, **environment)
    for line in study.stdout:
        if line.startswith("[4/4]"):
            break
    client = MlflowClient(f"http://127.0.0.1:{mlflow_server}")
    experiment = client.get_experiment_by_name("slow")
    shipped = client.search_runs([experiment.experiment_id]) if experiment else []
    finished = [run for run in shipped if run.info.status == "FINISHED"]
    assert finished == []
    proxy.fault = ""
    study.communicate(timeout=200)
    assert study.returncode == 0
    experiment = client.get_experiment_by_name("slow")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags["fmsearch.role"] for run in runs) == ["study", *["trial"] * 4]
    assert {run.info.status for run in runs} == {"FINISHED"}
