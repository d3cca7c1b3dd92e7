"""Kills studies at random moments until they complete, and compares them with one never killed.

    python benchmarks/chaos.py                                  # 100 kills, about 20 minutes
    python benchmarks/chaos.py --kills 100 --engine optuna      # with pruned trials
    python benchmarks/chaos.py --kills 10 --phase saving        # one phase alone

A process tells its phase by `fmsearch -v`. When the wanted phase is there, all processes are
stopped, so that it can be seen to be there still; then one of them, or all, are killed by SIGKILL,
and the same command is started at once. In the end the table of trials, every number in MLflow and
the tree of files are compared with those of an undisturbed study and `register`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

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

LONGEST_DELAY = {
    "starting": 3.0,
    "migrating": 4.0,
    "training": 0.5,
    "evaluating": 0.1,
    "saving": 0.2,
    "shipping": 0.5,
    "registering": 0.2,
}
"""Phases, and how long to wait in one at most, in seconds, before the kill."""
OF_STUDY = ("starting", "migrating", "training", "evaluating", "saving", "shipping")
OF_REGISTER = ("training", "evaluating", "saving", "shipping", "registering")
LEAST_KILLS = 5
MOST_KILLS = 12
"""Of one command, so that a campaign has many studies."""
MOST_DEATHS = 2
"""Of trainers in one session: a third one without a new epoch would rightly fail their trial."""
MOST_SPARED = 5
"""Studies in a row in which no kill could be made: what is left of the plan never comes."""
LOOK_SECONDS = 0.002
PATIENCE_SECONDS = 6.0
"""For a phase; then another one is chosen."""
LONGEST_SESSION = 240.0


class Session:
    """One start of a command, in a process group of its own."""

    def __init__(self, command: list[str], home: Path, log: Path) -> None:
        self._home, self._log = home, log
        with log.open("w") as file:
            self._process = subprocess.Popen(
                command, cwd=home.parent, stdout=file, stderr=file, start_new_session=True
            )
        self.pid = self._process.pid
        self.begun = time.monotonic()

    @property
    def code(self) -> int | None:
        """The coordinator's exit code; None while it lives."""
        return self._process.poll()

    @property
    def said(self) -> str:
        return self._log.read_text()

    def phases(self) -> dict[str, int]:
        """What is going on now, each with the process that does it."""
        if self.code is not None:
            return {}
        last: dict[int, tuple[str, str]] = {}
        for line in self.said.splitlines():
            if found := re.match(r"INFO fmsearch\S*?(\[(\d+)\])?: (\w+)(.*)", line):
                _, pid, word, rest = found.groups()
                last[int(pid or self.pid)] = (word, rest.rpartition(" ")[2])
        going_on = {} if last else {"starting": self.pid}
        for pid, (word, what) in last.items():
            if pid == self.pid or alive(pid):
                going_on |= self._phase(pid, word, what)
        return going_on

    def _phase(self, pid: int, word: str, what: str) -> dict[str, int]:
        if word == "making":
            return {} if (self._home / "mlflow.db").exists() else {"migrating": pid}
        if word == "saving":
            is_saved = any(self._home.glob(f"outbox/*/{what}")) or any(
                self._home.glob(f"finals/{what}")
            )
            return {} if is_saved else {"saving": pid}
        if word == "shipping" and what.isdigit():  # a trial, until its folder is removed
            entry = f"outbox/*/trial-{int(what):06d}"
            return {"shipping": pid} if any(self._home.glob(entry)) else {}
        return {word: pid} if word in LONGEST_DELAY else {}

    def members(self) -> dict[str, list[int]]:
        """The processes by what they are."""
        parents = {pid: parent for pid, parent, group, _ in processes() if group == self.pid}
        server = [pid for pid in parents if b"forkserver" in cmdline(pid)]
        root = [pid for pid in server if parents[pid] not in server]
        return {"fork server": root, "trainer": [pid for pid in server if pid not in root]}

    def stop(self) -> None:
        """Stop all processes, and wait until they are."""
        self._signal(signal.SIGSTOP)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            states = {state for _, _, group, state in processes() if group == self.pid}
            if states <= {"T", "Z"}:
                return
            time.sleep(0.001)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill all processes."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def kill_coordinator(self) -> None:
        """Kill it, and let the others find out."""
        os.kill(self.pid, signal.SIGKILL)
        self.go_on()
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def processes() -> list[tuple[int, int, int, str]]:
    """All processes: number, parent, group, state."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent, group, *_ = stat.read_text().rsplit(")", 1)[1].split()
            found.append((int(stat.parent.name), int(parent), int(group), state))
    return found


def alive(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


def cmdline(pid: int) -> bytes:
    """A process's command; empty if it is over."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def schedule(kills: int, phases: tuple[str, ...], choose: random.Random) -> list[str]:
    """Phases to kill in: each at least five times if there are kills enough, else evenly."""
    least = min(LEAST_KILLS, kills // len(phases))
    plan = [phase for phase in phases for _ in range(least)]
    plan += [choose.choice(phases) for _ in range(kills - len(plan))]
    choose.shuffle(plan)
    return plan


@dataclass
class Campaign:
    """Kills to be made, and what came of those that were.

    Attributes:
        plan: Phases of the kills to come.
        choose: Draws moments and victims.
        victims: Of whom to choose.
        in_order: Whether the plan's order counts; else the next phase is drawn, too.
        killed: Kills by phase, and `by_victim`.
        faults: What a session did that it should not do.
    """

    plan: list[str]
    choose: random.Random
    victims: tuple[str, ...] = ("coordinator", "trainer", "fork server", "all")
    in_order: bool = False
    killed: Counter[str] = field(default_factory=Counter)
    by_victim: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _groups: set[int] = field(default_factory=set)

    def run(self, command: list[str], home: Path, possible: tuple[str, ...] = ()) -> None:
        """Start a command again and again until it completes, and kill it in possible phases."""
        log = home.with_name(f"{home.name}.log")
        left = MOST_KILLS
        while True:
            session = Session(command, home, log)
            self._groups.add(session.pid)
            deaths, is_past = 0, ""
            while left and session.code is None:
                if not (wanted := self._next(home, [one for one in possible if one != is_past])):
                    break
                can = self.victims if deaths < MOST_DEATHS else ("coordinator", "all")
                victim = self._strike(session, wanted, can)
                if wanted == "starting":  # once in a session
                    is_past = wanted
                left -= victim is not None
                deaths += victim in ("trainer", "fork server")
            if session.code != -signal.SIGKILL:
                self._see_to_its_end(session)
                return

    def _next(self, home: Path, possible: Sequence[str]) -> str:
        """A phase of the plan in which this command may be killed now."""
        can = [one for one in possible if one != "migrating" or not (home / "mlflow.db").exists()]
        left = [phase for phase in self.plan if phase in can]
        if not left:
            return ""
        return left[0] if self.in_order else self.choose.choice(left)

    def _strike(self, session: Session, wanted: str, victims: tuple[str, ...]) -> str | None:
        """Kill in the wanted phase; gives who was, or None if it did not come for a while."""
        longest, until = LONGEST_DELAY[wanted], time.monotonic() + PATIENCE_SECONDS
        while session.code is None and time.monotonic() < until:
            if wanted not in session.phases():
                time.sleep(LOOK_SECONDS)
                if wanted == "starting":
                    return None
                continue
            time.sleep(self.choose.uniform(0, longest))
            longest /= 2  # it may be over already
            session.stop()
            doer = session.phases().get(wanted)
            if doer is None:
                session.go_on()
                continue
            return self._kill(session, wanted, doer, victims)
        return None

    def _kill(self, session: Session, phase: str, doer: int, victims: tuple[str, ...]) -> str:
        members = session.members()
        here = [one for one in victims if members.get(one, True)]
        victim = self.choose.choice(here or ["coordinator"])
        if victim == "all":
            session.kill()
        elif victim == "coordinator":
            session.kill_coordinator()
        else:
            pids = members[victim]
            os.kill(doer if doer in pids else self.choose.choice(pids), signal.SIGKILL)
            session.go_on()
        self.plan.remove(phase)
        self.killed[phase] += 1
        self.by_victim[victim] += 1
        print(f"  {sum(self.killed.values())}: {victim}, {phase}", flush=True)
        return victim

    def _see_to_its_end(self, session: Session) -> None:
        """Wait until a session that is not killed any more completes."""
        while session.code is None and time.monotonic() - session.begun < LONGEST_SESSION:
            time.sleep(0.05)
        code, said = session.code, session.said
        session.kill()
        if code != 0 or "Traceback" in said:
            self.faults.append(f"a session ended with {code}: {said[-3000:]}")

    def leftovers(self) -> list[str]:
        """Processes of ended sessions that live on."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            found = processes()
            left = [pid for pid, _, group, state in found if group in self._groups and state != "Z"]
            if not left:
                return []
            time.sleep(0.1)
        return [f"process {pid} lives on: {cmdline(pid)!r}" for pid in left]


@dataclass(frozen=True)
class Record:
    """All that a study left, without times and drawn names; equal for equal studies."""

    trials: list[str]
    runs: list[str]
    numbers: dict[str, str]
    versions: list[str]
    files: dict[str, object]

    def differences(self, other: Record) -> list[str]:
        """What the other one has otherwise."""
        found = []
        for what in ("trials", "runs", "versions"):
            ours, theirs = Counter(getattr(self, what)), Counter(getattr(other, what))
            found += [f"{what}: missing {one}" for one in (ours - theirs).elements()]
            found += [f"{what}: too much {one}" for one in (theirs - ours).elements()]
        for what in ("numbers", "files"):
            mine, its = getattr(self, what), getattr(other, what)
            for key in sorted({*mine, *its}):
                if mine.get(key) != its.get(key):
                    found.append(f"{what}: {key}: {mine.get(key)!r}, then {its.get(key)!r}")
        return found


def read_record(home: Path) -> Record:
    """What stands in a home."""
    from mlflow import MlflowClient

    from fmsearch.search.ledger import Ledger

    study = Ledger(f"sqlite:///{home / 'studies.db'}").study("chaos")
    trials = [
        repr((t.number, sorted(t.parameters.items()), t.state.value, t.score, t.fold_scores))
        + repr((sorted(t.metrics.items()), t.reason, t.duplicate_of))
        for t in study.trials()
    ]
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    names = {study.record.label: "chaos-ID"}
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = list(client.search_runs(experiments))
    names |= {run.info.run_id: run.info.run_name for run in found}
    models = list(client.search_logged_models(experiments))
    names |= {one.model_id: f"model of {names.get(one.source_run_id)}" for one in models}
    runs, numbers = [], {}
    for run in found:
        parent = names.get(run.data.tags.get("mlflow.parentRunId", ""))
        outputs = [names.get(one.model_id) for one in run.outputs.model_outputs]
        own = [str(one.status) for one in models if one.source_run_id == run.info.run_id]
        inputs = len(run.inputs.dataset_inputs)
        texts = sorted(run.data.params.items()) + sorted(
            (name, text)
            for name, text in run.data.tags.items()
            if name.startswith("fmsearch.") and name != "fmsearch.study_id"
        )
        runs.append(repr((run.info.run_name, run.info.status, parent, outputs, own, inputs, texts)))
        for metric in {*run.data.metrics} - {"train_seconds"}:
            history = client.get_metric_history(run.info.run_id, metric)
            for point in history:
                numbers[f"{run.info.run_name} {metric} {point.step}"] = repr(point.value)
    versions = [
        repr((one.name, one.version, names.get(one.run_id), names.get(one.model_id), one.status))
        + repr((client.get_registered_model(one.name).aliases, sorted(one.tags.items())))
        for one in client.search_model_versions()
    ]
    return Record(trials, runs, numbers, versions, _files(home, names))


def _files(home: Path, names: dict[str, str]) -> dict[str, object]:
    """Each file's content, as far as equal studies have it equal; of a model, its weights."""
    found: dict[str, object] = {}
    for path in home.rglob("*"):
        place = str(path.relative_to(home))
        if path.is_dir() and place.startswith("artifacts"):
            continue  # MLflow leaves those of deleted models, empty
        for drawn, name in names.items():
            place = place.replace(drawn, name)
        content: object = "folder" if path.is_dir() else "file"
        if path.suffix == ".keras":
            content = _weights(path)
        elif path.suffix in (".json", ".yaml") and path.name != "python_env.yaml":
            content = path.read_text()
        elif path.suffix in (".png", ".html", ".txt", ".csv"):  # layers are numbered by process
            content = "file" if path.stat().st_size else "empty"
        if path.suffix not in (".db-shm", ".db-wal"):
            found[place] = content
    return found


def _weights(model: Path) -> str:
    """A hash of a Keras file's weights, without the names of its layers."""
    import h5py

    found = hashlib.sha256()

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.update(name.encode() + item[()].tobytes())

    with zipfile.ZipFile(model) as file:
        if file.testzip() is not None:
            return "damaged"
        with file.open("model.weights.h5") as packed, h5py.File(io.BytesIO(packed.read())) as h5:
            h5.visititems(add)
    return found.hexdigest()


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
        How many studies, and all differences from an undisturbed one.
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
    """Run a campaign and print its figures in one line."""
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
