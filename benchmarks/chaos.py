"""Kills studies at random moments until they complete, and compares them with an undisturbed one.

    python benchmarks/chaos.py                                  # 100 kills, about 20 minutes
    python benchmarks/chaos.py --kills 100 --engine optuna      # with pruned trials
    python benchmarks/chaos.py --kills 10 --phase saving        # one phase alone

The output of `fmsearch -v` shows the phase of each process. In the wanted phase all processes are
stopped, to check that the phase is not over; then one or all are killed by SIGKILL, and the same
command is started at once. In the end the table of trials, every number in MLflow and the tree of
files are compared with those of an undisturbed study and `register`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from killing.campaign import Campaign, schedule
from killing.record import read_record
from killing.session import LONGEST_DELAY

IMAGES = Path(__file__).parents[1] / "tests" / "data" / "fashion.npz"
GRID = """\
name: chaos
about: Six points, two trainings.
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 16, dropout_rate: 0.2, batch_size: 64}
parameters:
  layers: [1, 2]
  epochs: [2, 3, 4]
"""
OPTUNA = """\
name: chaos
about: Some learn fast, some do not learn.
model: mlp
engine: optuna
sampler: random
pruner: median
score: {by: validation}
trials: 10
fixed: {epochs: 6, batch_size: 32, dropout_rate: 0.1}
parameters:
  hidden_units: {int: [8, 32], log: true}
  layers: [1, 2]
  learning_rate: {float: [0.00001, 0.01], log: true}
"""
SPACES = {"grid": GRID, "optuna": OPTUNA}

OF_STUDY = ("starting", "migrating", "training", "evaluating", "saving", "shipping")
OF_REGISTER = ("training", "evaluating", "saving", "shipping", "registering")
MOST_SPARED = 5
"""Studies in a row without a possible kill, after which the rest of the plan is given up."""


def commands(engine: str, folder: Path, home: Path) -> tuple[list[str], list[str]]:
    """The study's command and that of `register`."""
    space = folder / f"{engine}.yaml"
    space.write_text(SPACES[engine])
    program = [sys.executable, "-m", "fmsearch.cli", "-v"]
    where = ["--home", str(home), "--checkpoint-every", "0s"]
    study = [
        *program, "study", "--space", str(space), "--data", str(IMAGES),
        "--train-images", "400", "--jobs", "2", *where,
    ]  # fmt: skip
    if engine == "optuna":
        study.append("--reproducible")
    return study, [*program, "register", "--study", "chaos", "--epochs", "3", *where]


def run_campaign(
    engine: str, campaign: Campaign, folder: Path, *, registering: bool = True
) -> tuple[int, list[str]]:
    """Complete studies until all kills are made.

    Returns:
        The number of studies, and all differences from an undisturbed one.
    """
    (folder / "whole").mkdir()
    undisturbed = Campaign([], campaign.choose)
    whole = folder / "whole" / "mlruns"
    steps = commands(engine, folder, whole)[: 1 + registering]
    for command in steps:
        undisturbed.run(command, whole)
    if undisturbed.faults:
        return 0, undisturbed.faults
    expected, count, spared, differences = read_record(whole), 0, 0, list[str]()
    while campaign.plan and not differences:
        before = len(campaign.plan)
        home = folder / f"{count}" / "mlruns"
        home.parent.mkdir()
        steps = commands(engine, folder, home)[: 1 + registering]
        for command, phases in zip(steps, (OF_STUDY, OF_REGISTER), strict=False):
            if not campaign.faults:
                campaign.run(command, home, phases)
        count += 1
        differences = campaign.faults + campaign.leftovers()
        if not campaign.faults:
            differences += expected.differences(read_record(home))
        print(f"study {count}: {len(differences)} differences", flush=True)
        spared = spared + 1 if len(campaign.plan) == before else 0
        if spared == MOST_SPARED:
            differences.append(f"no kill could be made in {sorted(set(campaign.plan))}")
    return count, differences


def main() -> None:
    """Run a campaign and print its numbers in one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of moments and victims")
    parser.add_argument("--engine", choices=SPACES, default="grid")
    parser.add_argument("--phase", choices=LONGEST_DELAY, action="append", help="[default: all]")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the studies there")
    arguments = parser.parse_args()
    begin = time.monotonic()
    choose = random.Random(arguments.seed)
    phases = tuple(arguments.phase or LONGEST_DELAY)
    campaign = Campaign(schedule(arguments.kills, phases, choose), choose)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        studies, differences = run_campaign(arguments.engine, campaign, folder)
    for line in differences:
        print(line)
    kills = ", ".join(f"{phase} {campaign.killed[phase]}" for phase in phases)
    victims = ", ".join(f"{one} {count}" for one, count in sorted(campaign.by_victim.items()))
    print(
        f"{arguments.engine}: {sum(campaign.killed.values())} kills ({kills}; {victims}), "
        f"{studies} studies completed, {len(differences)} differences, "
        f"{time.monotonic() - begin:.0f} s"
    )
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
