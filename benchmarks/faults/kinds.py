"""The kinds of faults: where and when each may come, and how a command may end after it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from killing.http_faults import FAULTS as OF_HTTP

TRAINING = ("training", "evaluating", "saving")
ALWAYS = (*TRAINING, "shipping", "registering")
STUDY, REGISTER = "study", "register"


@dataclass(frozen=True)
class Kind:
    """What there is to know of a kind.

    Attributes:
        share: How many of 200 faults are of this kind.
        phases: In which it comes.
        ends: Exit codes, but for 0, with which it may end a command: 1 is one line that says why,
            130 an interruption. The same command has to do the rest.
        needs: What the study's store must have: "server" and "postgresql", or "embedded" if it must
            have neither.
        commands: From which the one is drawn that it is tried on; a study has more moments.
    """

    share: int
    phases: tuple[str, ...] = ALWAYS
    ends: tuple[int, ...] = ()
    needs: str = ""
    commands: tuple[str, ...] = (*(STUDY,) * 5, REGISTER)


HTTP = Kind(12, needs="server")
KINDS = {
    **dict.fromkeys(OF_HTTP, HTTP),
    "cut connections": Kind(51, needs="postgresql"),
    "clock": Kind(9, ends=(-9,)),
    "scratch folder removed": Kind(15),
    "home removed": Kind(4, ends=(1,), needs="embedded", commands=(STUDY,)),
    "full disk": Kind(10, TRAINING, ends=(1,)),
    "TERM": Kind(4, ends=(130,), commands=(REGISTER,)),
    "INT": Kind(4, ends=(130,), commands=(REGISTER,)),
    "KILL": Kind(4, ends=(-9,), commands=(REGISTER,)),
    "second register": Kind(9, commands=(REGISTER,)),
    "register elsewhere": Kind(6, needs="server and postgresql", commands=(REGISTER,)),
}


@dataclass(frozen=True)
class Round:
    """One study, and the faults that it has to bear, in their order.

    Attributes:
        engine: Of the study.
        has: "server" and "postgresql", or "embedded".
        faults: Names of kinds, by the command on which they are tried.
    """

    engine: str
    has: tuple[str, ...]
    faults: dict[str, list[str]]

    def bears(self, kind: Kind) -> bool:
        """Whether faults of this kind can come."""
        return set(kind.needs.split(" and ")) <= {*self.has, ""}

    @property
    def count(self) -> int:
        return sum(map(len, self.faults.values()))


PLACES = (("server", "postgresql"), ("embedded",), ("server",), ("postgresql",))
FAULTS_A_ROUND = 20


def make_plan(
    faults: int, engines: tuple[str, ...], choose: random.Random, without: Collection[str] = ()
) -> list[Round]:
    """Draw faults, as many of each kind as its share says, and deal them out to rounds."""
    kinds = {name: kind for name, kind in KINDS.items() if name not in without}
    least = {name: faults * kind.share // 200 for name, kind in kinds.items()}
    drawn = [name for name, count in least.items() for _ in range(count)]
    shares = [kind.share for kind in kinds.values()]
    drawn += choose.choices(list(kinds), shares, k=faults - len(drawn))
    choose.shuffle(drawn)
    drawn.sort(key=lambda name: -len(kinds[name].needs))  # what can come anywhere fills gaps
    rounds = [
        Round(engines[(number + number // 4) % len(engines)], PLACES[number % 4], {})
        for number in range(max(len(PLACES), round(faults / FAULTS_A_ROUND)))
    ]
    for name in drawn:
        kind = kinds[name]
        one = min((one for one in rounds if one.bears(kind)), key=lambda one: one.count)
        one.faults.setdefault(choose.choice(kind.commands), []).append(name)
    for one in rounds:
        for names in one.faults.values():
            choose.shuffle(names)
    return rounds


def by_kind(done: Counter[str]) -> str:
    """The line of figures."""
    return ", ".join(f"{name} {done[name]}" for name in KINDS if done[name])
