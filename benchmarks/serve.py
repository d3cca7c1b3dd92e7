"""Measures latency and throughput of `fmsearch serve`, which it starts and ends.

    python benchmarks/serve.py [NAME[@ALIAS|/VERSION]]

Run it in the folder of a store with a registered model of images of 28 x 28, such as
Fashion-MNIST's. Every answer is compared with that of the same image alone.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import requests

IMAGES, BATCH, CLIENTS = 200, 100, 8
HEADERS = {"Content-Type": "application/json"}


class Client:
    """Asks one server over one connection."""

    def __init__(self, port: int) -> None:
        self._session = requests.Session()
        self._url = f"http://127.0.0.1:{port}/invocations"

    def ask(self, images: npt.NDArray[np.uint8]) -> tuple[float, npt.NDArray[np.float64]]:
        """The seconds from question to answer, the encoding as JSON included, and the answer."""
        begin = time.perf_counter()
        question = json.dumps({"inputs": images.tolist()})
        answered = self._session.post(self._url, data=question, headers=HEADERS, timeout=60)
        answered.raise_for_status()
        answers = np.array(answered.json()["predictions"])
        return time.perf_counter() - begin, answers


def measure(port: int) -> None:
    """Print the figures."""
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 28, 28), "uint8")
    client = Client(port)
    client.ask(images[:1])
    alone = [client.ask(images[place : place + 1]) for place in range(IMAGES)]
    times, answers = [one for one, _ in alone], np.concatenate([one for _, one in alone])
    low, middle, high = np.percentile(times, [5, 50, 95]) * 1e3
    print(f"one image: median {middle:.1f} ms, 5 % to 95 % {low:.1f} to {high:.1f} ms")
    batches = [client.ask(images[:BATCH]) for _ in range(20)]
    seconds = float(np.median([one for one, _ in batches]))
    print(f"{BATCH} images at once: median {seconds * 1e3:.1f} ms, {BATCH / seconds:,.0f} images/s")
    assert all(np.allclose(one, answers[:BATCH], atol=1e-5) for _, one in batches)
    clients = [Client(port) for _ in range(CLIENTS)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:

        def ask(number: int) -> list[Any]:
            mine = images[number::CLIENTS]
            return [clients[number].ask(mine[one : one + 1])[1] for one in range(len(mine))]

        several = list(threads.map(ask, range(CLIENTS)))
    rate = IMAGES / (time.perf_counter() - begin)
    print(f"one image each, {CLIENTS} clients at once: {rate:,.0f} images/s", flush=True)
    for number, mine in enumerate(several):
        assert np.allclose(np.concatenate(mine), answers[number::CLIENTS], atol=1e-5)


def main() -> None:
    """Serve, measure, and end the server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "fmsearch.cli", "serve", *sys.argv[1:], "--port", str(port)]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            said = server.stdout.readline()
            if not said:
                sys.exit("the server did not start")
            print(f"{said.partition('  ')[0]}, {time.perf_counter() - begin:.1f} s after its start")
            measure(port)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
