"""The campaign: rounds of a study and `register`, each compared with what nothing disturbed."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from killing.record import Record, read_record
from killing.session import LONGEST_DELAY, Session, leftovers
from killing.spaces import commands

from .checks import damaged, fails, snapshot
from .kinds import KINDS, REGISTER, STUDY, Round
from .scene import Scene, Servers, made, remove
from .strikes import STRIKES, Struck

LOOK_SECONDS = 0.01
PHASE_SECONDS = 2.0
"""How long to wait for a phase before another one does, too."""
LONGEST_SESSION = 240.0
HELD = "is being run by process"
"""What the second one of two says that run at once."""
MOST_LINES = 20
MOST_MORE = 3
"""So many starts more than faults, and a command is complete, or that is a difference."""


@dataclass
class FaultCampaign:
    """A number of faults, and what came of them.

    Attributes:
        done: Number of faults by kind.
        studies: How many were completed.
        synced: How many of them by `fmsearch sync`.
    """

    servers: Servers
    choose: random.Random
    folder: Path
    registering: bool = True
    done: Counter[str] = field(default_factory=Counter)
    studies: int = 0
    synced: int = 0
    _expected: dict[str, Record] = field(default_factory=dict)
    _groups: set[int] = field(default_factory=set)

    def run(self, plan: list[Round]) -> list[str]:
        """Run rounds; gives the differences.

        Faults that found no moment are tried again in further rounds, but for those of a round that
        differs.
        """
        waiting, differences = list(plan), list[str]()
        while waiting:
            one = waiting.pop(0)
            before = self.done.total()
            if found := self._round(one):
                differences += [f"{one.engine}, {' and '.join(one.has)}: {line}" for line in found]
            elif one.count and self.done.total() == before:
                differences.append(f"no fault came about of {one.faults}")
            elif one.count:  # the rest
                waiting.append(one)
        return differences

    def _round(self, one: Round) -> list[str]:
        if one.engine not in self._expected:
            whole = self.folder / f"whole_{one.engine}"
            undisturbed = replace(one, has=("embedded",), faults={})
            with made(whole, "chaos", ("embedded",), self.servers) as scene:
                if found := self._complete(scene, undisturbed):
                    return found
                self._expected[one.engine] = read_record(scene.places, scene.artifacts)
            shutil.copytree(whole, self.folder / f"beside_{one.engine}")
        self.studies += 1
        name = f"chaos{self.studies}"
        begin, before = time.monotonic(), self.done.total()
        neighbours = snapshot(self.folder)
        with made(self.folder / name, name, one.has, self.servers) as scene:
            found = self._complete(scene, one)
            found += leftovers(self._groups) or self._sync(scene)
            if not found:
                record = read_record(scene.places, scene.artifacts, name)
                found = self._expected[one.engine].differences(record)
                found += damaged(scene.places) + fails(scene, "doctor", "no differences\n")
        if snapshot(self.folder) != neighbours:
            found.append("a folder beside the home was touched")
        for line in found[:MOST_LINES]:
            print(f"  {line[-2000:]}")
        print(
            f"study {self.studies} ({one.engine}, {' and '.join(one.has)}): "
            f"{self.done.total() - before} faults, {len(found)} differences, "
            f"{time.monotonic() - begin:.0f} s",
            flush=True,
        )
        if not found:
            shutil.rmtree(self.folder / name)
        return found

    def _complete(self, scene: Scene, one: Round) -> list[str]:
        """Start both commands until they are complete; gives what was wrong with a session."""
        both = commands(one.engine, scene.home, scene.name, scene.options)
        for name, command in zip((STUDY, REGISTER)[: 1 + self.registering], both, strict=False):
            faults = one.faults.get(name, [])
            most = len(faults) + MOST_MORE
            for _ in range(most):
                struck, wrong, again = self._session(scene, one.engine, command, faults)
                self.done.update(struck)
                if wrong:
                    return [f"{name}, after {struck}: {wrong}"]
                if not again:
                    break
            else:
                return [f"{name} was not complete after {most} starts"]
        return []

    def _sync(self, scene: Scene) -> list[str]:
        """Ship what waits where one request after the other had failed at a study's end."""
        if not any((scene.home / "outbox").iterdir()):
            return []
        self.synced += 1
        return fails(scene, "sync")

    def _session(
        self, scene: Scene, engine: str, command: list[str], faults: list[str]
    ) -> tuple[list[str], str, bool]:
        """Start a command once; gives the faults that it met, what was wrong with its end, and
        whether it has to be started again."""
        log = scene.folder / "log"
        session = Session(command, scene.home, log, scene.environment)
        on = Struck(scene, engine, session, self.choose)
        try:
            met = self._strike(on, faults)
            ends = [_wrong_end(one, met) for one in (session, *on.others)]
        finally:
            for one in (session, *on.others):
                self._groups.add(one.pid)
                one.kill()
        if "home removed" in met:
            remove(scene.home)  # as the last line asks for
        return met, next(filter(None, ends), ""), session.code != 0 or "home removed" in met

    def _strike(self, on: Struck, faults: list[str]) -> list[str]:
        """Disturb a session by faults, which are taken out of the list; gives those it met."""
        met: list[str] = []
        while faults and on.session.code is None:
            name = faults.pop(0)
            if not self._await_phase(on.session, KINDS[name].phases) or not STRIKES[name](on):
                faults.append(name)
                continue
            met.append(name)
            print(f"  {self.done.total() + len(met)}: {name}", flush=True)
            if KINDS[name].ends:
                break  # what comes then is this one's
        return met

    def _await_phase(self, session: Session, possible: tuple[str, ...]) -> bool:
        """Wait for one of these phases, or for another one if it does not come, and a moment."""
        wanted, until = self.choose.choice(possible), 0.0
        while session.code is None:
            if can := sorted(session.phases().keys() & possible):
                until = until or time.monotonic() + PHASE_SECONDS
                if wanted not in can and time.monotonic() > until:
                    wanted = self.choose.choice(can)
            if wanted in can:
                time.sleep(self.choose.uniform(0, LONGEST_DELAY[wanted]))
                return session.code is None
            time.sleep(LOOK_SECONDS)
        return False


def _wrong_end(session: Session, met: list[str]) -> str:
    """Wait for a session's end; gives what is wrong with it after the faults that were met."""
    while session.code is None and time.monotonic() - session.begun < LONGEST_SESSION:
        time.sleep(0.05)
    code, said = session.code, session.said
    if code == 1 and HELD in said:  # the other one of two
        return ""
    allowed = {0, *(code for name in met for code in KINDS[name].ends)}
    is_line = said.rstrip().rpartition("\n")[2].startswith("fmsearch: ")
    if code in allowed and (code != 1 or is_line) and "Traceback" not in said:
        return ""
    return f"it ended with {code}: {said[-3000:]}"
