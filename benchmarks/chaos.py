"""Kills and disturbs studies until they complete, and compares them with undisturbed ones.

    python benchmarks/chaos.py                                  # 100 kills, about 20 minutes
    python benchmarks/chaos.py --kills 100 --engine optuna      # with pruned trials
    python benchmarks/chaos.py --kills 100 --engine pausing     # with paused ones
    python benchmarks/chaos.py --kills 10 --phase saving        # one phase alone
    python benchmarks/chaos.py --faults 200                     # all but kills, about 25 minutes

The output of `fmsearch -v` shows the phase of each process. Kills: in the wanted phase all
processes are stopped, to check that the phase is not over; then one or all are killed by SIGKILL,
and the same command is started at once. Faults: HTTP that lies, cuts and stalls, cut database
connections, clocks that are set, folders that are removed, full disks, signals to `register`, two
of it at once; with MLflow embedded and as a server, SQLite and PostgreSQL. In the end the table of
trials, every number in MLflow and the tree of files are compared with those of an undisturbed study
and `register`; after faults also each artifact with its checksum, and `fmsearch doctor` is asked.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from faults.campaign import FaultCampaign
from faults.kinds import by_kind, make_plan
from faults.scene import faketime_library, started
from killing.campaign import Campaign, schedule
from killing.record import Record, read_record
from killing.session import LONGEST_DELAY
from killing.spaces import SPACES, commands

from fmsearch.places import Places

OF_STUDY = ("starting", "migrating", "training", "evaluating", "saving", "shipping")
OF_REGISTER = ("training", "evaluating", "saving", "shipping", "registering")
MOST_CHARACTERS = 3500
"""Of a difference that is printed."""
MOST_SPARED = 5
"""Studies in a row without a possible kill, after which the rest of the plan is given up."""


def record_in(home: Path) -> Record:
    """The results of a study whose store is in `home`."""
    return read_record(Places.of(home), home / "artifacts")


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
    steps = commands(engine, whole)[: 1 + registering]
    for command in steps:
        undisturbed.run(command, whole)
    if undisturbed.faults:
        return 0, undisturbed.faults
    expected, count, spared, differences = record_in(whole), 0, 0, list[str]()
    while campaign.plan and not differences:
        before = len(campaign.plan)
        home = folder / f"{count}" / "mlruns"
        home.parent.mkdir()
        steps = commands(engine, home)[: 1 + registering]
        for command, phases in zip(steps, (OF_STUDY, OF_REGISTER), strict=False):
            if not campaign.faults:
                campaign.run(command, home, phases)
        count += 1
        differences = campaign.faults + campaign.leftovers()
        if not campaign.faults:
            differences += expected.differences(record_in(home))
        print(f"study {count}: {len(differences)} differences", flush=True)
        spared = spared + 1 if len(campaign.plan) == before else 0
        if spared == MOST_SPARED:
            differences.append(f"no kill could be made in {sorted(set(campaign.plan))}")
    return count, differences


def kill(arguments: argparse.Namespace, folder: Path) -> tuple[str, list[str]]:
    """Make kills; gives the line of figures, and all differences."""
    choose = random.Random(arguments.seed)
    phases = tuple(arguments.phase or LONGEST_DELAY)
    campaign = Campaign(schedule(arguments.kills, phases, choose), choose)
    engine = (arguments.engine or ["grid"])[0]
    studies, differences = run_campaign(engine, campaign, folder)
    kills = ", ".join(f"{phase} {campaign.killed[phase]}" for phase in phases)
    victims = ", ".join(f"{one} {count}" for one, count in sorted(campaign.by_victim.items()))
    done = f"{campaign.killed.total()} kills ({kills}; {victims})"
    return f"{engine}: {done}, {studies} studies completed", differences


def disturb(arguments: argparse.Namespace, folder: Path) -> tuple[str, list[str]]:
    """Make faults; gives the line of figures, and all differences."""
    choose = random.Random(arguments.seed)
    engines = tuple(arguments.engine or SPACES)
    without = () if faketime_library() else ("clock",)
    if without:
        print("no clock is set: Debian's package faketime is not installed")
    plan = make_plan(arguments.faults, engines, choose, without)
    with started(folder) as servers:
        campaign = FaultCampaign(servers, choose, folder)
        differences = campaign.run(plan)
    done = f"{campaign.done.total()} faults ({by_kind(campaign.done)})"
    studies = f"{campaign.studies} studies completed ({campaign.synced} by `fmsearch sync`)"
    return f"{' and '.join(engines)}: {done}, {studies}", differences


def main() -> None:
    """Run a campaign and print its numbers in one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--kills", type=int, default=100)
    many.add_argument("--faults", type=int, help="in place of kills")
    parser.add_argument("--seed", type=int, default=0, help="of moments and victims")
    parser.add_argument(
        "--engine", choices=SPACES, action="append", help="[default: grid; of faults: all]"
    )
    parser.add_argument("--phase", choices=LONGEST_DELAY, action="append", help="[default: all]")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the studies there")
    arguments = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        done, differences = (disturb if arguments.faults else kill)(arguments, folder)
    for line in differences:
        print(line[:MOST_CHARACTERS])
    print(f"{done}, {len(differences)} differences, {time.monotonic() - begin:.0f} s")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
