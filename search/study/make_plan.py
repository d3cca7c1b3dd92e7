"""Making a plan from what a user asks for, be it by the command or in Python."""

from __future__ import annotations

from typing import Any

from ...errors import FmsearchError
from ...models.data import DataSet
from ...places import Places
from ..engines.strategy import choose_strategy
from ..space.reader import NAME
from ..space.space import Space
from ..trainers.pool import usable_cores
from .plan import Limits, Plan, check_plan


def make_plan(
    space: Space,
    places: Places,
    data: DataSet,
    *,
    name: str | None = None,
    jobs: int | None = None,
    trials: int | None = None,
    timeout: float | None = None,
    target_score: float | None = None,
    patience: int | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    reproducible: bool = False,
    **others: Any,
) -> Plan:
    """A plan whose parts go together.

    Args:
        space, places: What to search, and the store.
        data: On what.
        name, jobs: None for the space's name, and for the cores that may be used.
        trials, timeout, target_score, patience: As in `Limits`; None for no limit, or the space's.
        sampler, pruner: None for the space's.
        reproducible: Whether it is to come out the same at any speed.
        others: As in `Plan`; the seed is 0, all images are used and MLflow is, if none says else.

    Raises:
        FmsearchError: They do not, or a name is malformed.
        TypeError: A plan has no such part.
    """
    name = name or space.name
    if not NAME.fullmatch(name):
        raise FmsearchError(f"the name {name!r} must be 1 to 64 letters, digits, '_', '.' or '-'")
    jobs = jobs or usable_cores()
    strategy = choose_strategy(space, sampler, pruner, reproducible=reproducible, jobs=jobs)
    plan = Plan(
        space=space,
        name=name,
        data=data,
        jobs=jobs,
        places=places,
        strategy=strategy,
        limits=Limits(trials or space.trials, timeout, target_score, patience or space.patience),
        **{"seed": 0, "train_images": None, "offline": False, **others},
    )
    check_plan(plan)
    return plan
