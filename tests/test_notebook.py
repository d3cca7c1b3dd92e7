"""The example notebook, and Interrupt, in a real kernel of Jupyter's."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from fmsearch.search.storage.storage import open_storage
from fmsearch.search.trial import State

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"
LONGEST_CELL = 300
LONG = """\
import fmsearch, pathlib

def heard(trial):
    pathlib.Path("heard").touch()

space = {
    "name": "long", "model": "mlp", "engine": "optuna", "score": {"by": "validation"},
    "fixed": {"layers": 1}, "trials": 500, "pruner": "none", "sampler": "random",
    "parameters": {"hidden_units": {"int": [1, 2000]}, "epochs": [1]},
}
fmsearch.study(space, jobs=1, train_images=100, callback=heard, progress=False)
"""


class Kernel:
    """Executes cells and gives what they show."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self._client = manager, client

    def execute(self, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The kernel's reply, and the contents of what it shows."""
        shown: list[dict[str, Any]] = []
        reply = self._client.execute_interactive(
            code, timeout=LONGEST_CELL, output_hook=lambda message: shown.append(message["content"])
        )
        return reply["content"], shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def kernel(folder: Path, images: Path) -> Iterator[Kernel]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FMSEARCH_DATA", str(images))
        patch.setenv("FMSEARCH_JOBS", "1")
        manager, client = start_new_kernel(cwd=str(folder))
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def data_of(shown: list[dict[str, Any]]) -> dict[str, Any]:
    """What a cell's last line gives, by type."""
    return next(one["data"] for one in reversed(shown) if "data" in one)


def test_each_cell_of_the_example_does_what_it_says(kernel: Kernel, folder: Path) -> None:
    cells = [one for one in json.loads(NOTEBOOK.read_text())["cells"] if one["cell_type"] == "code"]
    shown = []
    for cell in cells:
        reply, outputs = kernel.execute(cell["source"])
        assert reply["status"] == "ok", "\n".join(reply["traceback"])
        shown.append(outputs)
    said = "".join(one["text"] for one in shown[0] if one.get("name") == "stdout")
    assert "tiny: 4 trials, 1 trainer\n[1/4] trial " in said
    assert "\n0 0." in said  # the callback
    assert "\x1b" not in said
    assert "<study tiny: 4 complete; best: trial " in data_of(shown[0])["text/plain"]
    assert "<table" in data_of(shown[1])["text/html"]
    assert "application/vnd.plotly.v1+json" in data_of(shown[2])
    assert "value_score" in data_of(shown[3])["text/html"]
    assert len(list((folder / "mlruns" / "data").glob("arrays-*.npz"))) == 1
    assert set(open_storage(f"sqlite:///{folder}/mlruns/studies.db").names()) == {"tiny", "bright"}


def test_interrupt_ends_a_study_cleanly_and_the_same_cell_goes_on(
    kernel: Kernel, folder: Path
) -> None:
    def interrupt() -> None:
        deadline = time.monotonic() + LONGEST_CELL
        while not (folder / "heard").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        kernel.manager.interrupt_kernel()

    waiting = threading.Thread(target=interrupt)
    waiting.start()
    reply, _ = kernel.execute(LONG)
    waiting.join()
    assert reply["ename"] == "KeyboardInterrupt"
    counts = open_storage(f"sqlite:///{folder}/mlruns/studies.db").study("long").counts()
    assert counts[State.COMPLETE.value] < 500
    assert State.RUNNING.value not in counts
    more = LONG.replace('"trials": 500', f'"trials": {counts["complete"] + 1}')
    reply, shown = kernel.execute(more)
    assert reply["status"] == "ok", "\n".join(reply["traceback"])
    assert f"{counts['complete'] + 1} complete" in data_of(shown)["text/plain"]
