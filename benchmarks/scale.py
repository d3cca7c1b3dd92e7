"""What a trial costs ledger and engine in a study of ten thousand, on SQLite; CPU time.

    python benchmarks/scale.py

Nothing is trained, and MLflow has no part. A study's first trials are asked for and told; their
rows are copied until there are as many as wanted; then the engine goes on.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from typing import Any

from sqlalchemy import MetaData, create_engine, select

from fmsearch.search.ledger import Ledger
from fmsearch.search.optuna_engine import OptunaEngine
from fmsearch.search.plan import Limits
from fmsearch.search.result import Result
from fmsearch.search.space_file import read_space
from fmsearch.search.strategy import Strategy
from fmsearch.search.study_record import StudyRecord
from fmsearch.search.trial import Trial, best_trial

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


def result(trial: Trial) -> Result:
    """What a trainer would say; the score depends on a parameter."""
    score = 0.9 - abs(float(trial.parameters["dropout_rate"]) - 0.2)
    metrics = {"score": score, "best_epoch": 1.0}
    return Result({}, 0, metrics, (), (), 10, (0.1,), (0.1,), 0, 0)


def fill(url: str, count: int) -> None:
    """Copy the rows of a ledger's first trials, in turn, until it has `count` trials."""
    engine, known, chance = create_engine(url), MetaData(), random.Random(0)
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


def measure(sampler: str, count: int) -> str:
    """One line: what trial `count` costs with this sampler, and looking at that many."""
    space, strategy = read_space(SPACE, "space"), Strategy(sampler, "none")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/studies.db"
        ledger = Ledger(url).open_study(
            StudyRecord("scale", SPACE, "data", "sum", 0, None, sampler, "none")
        )
        engine = OptunaEngine(space, ledger, strategy, 0)
        for _ in range(FIRST):
            (trial,) = engine.ask()
            engine.tell(trial, result(trial))
        fill(url, count)
        began = time.thread_time()
        ledger = Ledger(url).study("scale")
        best_trial(ledger.trials())
        read = time.thread_time() - began
        engine = OptunaEngine(space, ledger, strategy, 0)
        asking, telling = [], []
        for _ in range(WARM + MEASURED[sampler]):
            began = time.thread_time()
            Limits(10**6).reached(ledger.trials(), 0)
            (trial,) = engine.ask()
            asked = time.thread_time()
            engine.tell(trial, result(trial))
            told = ledger.trials()  # as the loop does for its watcher
            sum(one.state.finished for one in told)
            best_trial(told)
            asking.append(asked - began)
            telling.append(time.thread_time() - asked)
    ask, tell = (statistics.median(one[WARM:]) * 1e3 for one in (asking, telling))
    return f"{sampler:>8} {count:>7} {ask:>8.1f} ms {tell:>6.1f} ms {read:>12.2f} s"


def main() -> None:
    """Measure each sampler at each number of trials."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 10_000])
    arguments = parser.parse_args()
    print(f"{'sampler':>8} {'trials':>7} {'ask':>11} {'tell':>9} {'read anew':>14}")
    for sampler in MEASURED:
        for count in arguments.counts:
            print(measure(sampler, count), flush=True)


if __name__ == "__main__":
    main()
