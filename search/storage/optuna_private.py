"""What is used of Optuna beyond its public interface, and for each why that does not serve.

Optuna's version is pinned (`setup.cfg`); the tests of this room compare what is read and written
here with what Optuna's own functions read and write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


def id_of(trial: Trial | FrozenTrial) -> int:
    """The id that storages take. Publicly a trial has its number only, and to find the id by the
    number is a query for each trial."""
    return trial._trial_id


def cached(backend: Any) -> BaseStorage:
    """A storage that reads a finished trial once, as `optuna.load_study` makes it of a database.

    That function takes Optuna's own `RDBStorage` alone, not a backend that waits for a server that
    is away.

    Args:
        backend: Has the methods of `RDBStorage`, and `_get_trials`, which the cache calls.
    """
    from optuna.storages._cached_storage import _CachedStorage

    return _CachedStorage(backend)


def tables() -> Any:
    """The module of Optuna's tables. Its storages read each row as an object of an ORM, which takes
    most of the time of a look at a large study."""
    from optuna.storages._rdb import models

    return models


def constraint_key(name: str) -> str:
    """Under which a trial's system attributes have a constraint's value, above 0 if infeasible.

    `Trial.set_constraint` wants the trial that a study asked for; here a trial is told by its id,
    perhaps in a later session.
    """
    return f"constraints:{name}"


def enqueued_point(trial: FrozenTrial) -> dict[str, Any]:
    """The values that a waiting trial was enqueued with: its system attributes alone have them."""
    return dict(trial.system_attrs.get("fixed_params", trial.params))
