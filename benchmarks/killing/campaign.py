"""Campaigns: commands are killed in wanted phases, and started again until they complete."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .session import LONGEST_DELAY, Session, leftovers

LEAST_KILLS = 5
MOST_KILLS = 12
"""The most kills of one command, so that a campaign has many studies."""
MOST_DEATHS = 2
"""The most trainers killed in a session: a third one without a new epoch would fail their trial."""
LOOK_SECONDS = 0.002
RETRY_SECONDS = 6.0
"""How long to wait for a phase before another one is chosen."""
LONGEST_SESSION = 240.0


def schedule(kills: int, phases: tuple[str, ...], choose: random.Random) -> list[str]:
    """Choose phases for kills: each at least five times if there are enough kills, else evenly."""
    least = min(LEAST_KILLS, kills // len(phases))
    plan = [phase for phase in phases for _ in range(least)]
    plan += [choose.choice(phases) for _ in range(kills - len(plan))]
    choose.shuffle(plan)
    return plan


@dataclass
class Campaign:
    """A number of kills, and their results.

    Attributes:
        plan: Phases of the remaining kills.
        choose: Draws moments and victims.
        victims: The kinds of victims to choose from.
        in_order: Whether phases are taken in the plan's order; else they are drawn.
        killed, by_victim: Number of kills by phase and by victim.
        faults: Sessions with a wrong exit code or a traceback.
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
        """Start a command until it completes, and kill it in phases that are possible."""
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
        """Kill in the wanted phase; return the victim, or None if the phase did not come."""
        longest, until = LONGEST_DELAY[wanted], time.monotonic() + RETRY_SECONDS
        while session.code is None and time.monotonic() < until:
            if wanted not in session.phases():
                time.sleep(LOOK_SECONDS)
                if wanted == "starting":
                    return None
                continue
            time.sleep(self.choose.uniform(0, longest))
            longest /= 2  # the phase may be shorter
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
        """Wait until a session that is no longer killed completes."""
        while session.code is None and time.monotonic() - session.begun < LONGEST_SESSION:
            time.sleep(0.05)
        code, said = session.code, session.said
        session.kill()
        if code != 0 or "Traceback" in said:
            self.faults.append(f"a session ended with {code}: {said[-3000:]}")

    def leftovers(self) -> list[str]:
        """Processes of ended sessions that still run."""
        return leftovers(self._groups)
