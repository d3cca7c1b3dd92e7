"""Measures whether a tracking server that does not answer slows training down.

    python benchmarks/outage.py                    # 60 trials, about 2 minutes

One study runs with a real MLflow server on this machine. The server is stopped (SIGSTOP) and
continued in turns, so that both states are measured under the same load; a stopped server accepts
connections and never answers. Between the ends of two trials, the one trainer trains or waits. The
medians of the waiting part are compared, which does not depend on the speed of training.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from fmsearch.search.storage.storage import open_storage

IMAGES = Path(__file__).parent.parent / "tests" / "data" / "fashion.npz"
SPACE = """\
name: outage
model: mlp
engine: keras_tuner
score: {{by: cross_validation, folds: 3}}
fixed: {{hidden_units: 64, batch_size: 32, epochs: 6}}
parameters: {{dropout_rate: [{rates}]}}
"""
BLOCK = 5
"""Trials between two changes; the first of each block, with the change in it, is left out."""


def start_server(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server of one process; return it and its address when it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--workers", "1",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=5):
            return server, url
        time.sleep(0.5)
    raise TimeoutError("the server does not answer")


def run(trials: int, folder: Path) -> tuple[dict[str, list[float]], str]:
    """Run the study; return the trials' waiting parts by the server's state, and the last line."""
    space = folder / "outage.yaml"
    rates = ", ".join(str(one / trials / 2) for one in range(trials))
    space.write_text(SPACE.format(rates=rates))
    server, url = start_server(folder)
    command = [
        sys.executable, "-u", "-m", "fmsearch.cli", "study", "--space", str(space),
        "--data", str(IMAGES), "--jobs", "1", "--tracking-uri", url,
    ]  # fmt: skip
    study = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert study.stdout is not None
    seconds: dict[int, tuple[str, float]] = {}
    state, done, last, line = "works", 0, time.monotonic(), ""
    try:
        for line in study.stdout:
            if not line.startswith("["):
                continue
            done += 1
            now = time.monotonic()
            if done > BLOCK and done % BLOCK != 1:
                number = int(line.split("trial ")[1].split(":")[0])
                seconds[number] = (state, now - last)
            last = now
            if done % BLOCK == 0:  # in the end it works, so that all is shipped
                state = "hangs" if state == "works" and done < trials else "works"
                os.killpg(server.pid, signal.SIGSTOP if state == "hangs" else signal.SIGCONT)
        assert study.wait() == 0
        return waiting_parts(folder, seconds), line.strip()
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        study.kill()


def waiting_parts(folder: Path, seconds: dict[int, tuple[str, float]]) -> dict[str, list[float]]:
    """The part of each trial's time without training, by the server's state."""
    trials = open_storage(f"sqlite:///{folder / 'mlruns' / 'studies.db'}").study("outage").trials()
    parts: dict[str, list[float]] = {"works": [], "hangs": []}
    for number, (state, took) in seconds.items():
        trained = sum(trials[number].fit_seconds) + sum(trials[number].score_seconds)
        parts[state].append(1 - trained / took)
    return parts


def main() -> None:
    """Run the study and print the ratio in one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as folder:
        parts, last = run(trials, Path(folder))
    works, hangs = (statistics.median(parts[state]) for state in ("works", "hangs"))
    print(
        f"the trainer waits {works:.1%} of its time while the server works "
        f"({len(parts['works'])} trials), {hangs:.1%} while it hangs ({len(parts['hangs'])})"
    )
    print(f"the study's last line: {last}")


if __name__ == "__main__":
    main()
