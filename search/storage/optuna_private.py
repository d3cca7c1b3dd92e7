"""All uses of Optuna's private parts, each with the reason why the public ones do not suffice.

Optuna's version is pinned (`setup.cfg`); this room's tests compare what is read and written here
with what Optuna's own functions read and write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


def id_of(trial: Trial | FrozenTrial) -> int:
    """The id that storages use. Publicly a trial has only its number, and finding the id by the
    number takes a query for each trial."""
    return trial._trial_id


def cached(backend: Any) -> BaseStorage:
    """A storage that reads each finished trial once, as `optuna.load_study` makes it.

    That function accepts only Optuna's own `RDBStorage`, not a backend that waits for a server.

    Args:
        backend: Has the methods of `RDBStorage`, and `_get_trials`, which the cache calls.
    """
    from optuna.storages._cached_storage import _CachedStorage

    return _CachedStorage(backend)


def tables() -> Any:
    """The module of Optuna's tables. Optuna's storages read each row as an ORM object, which takes
    most of the time of reading a large study."""
    from optuna.storages._rdb import models

    return models


def constraint_key(name: str) -> str:
    """The system attribute with a constraint's value, which is above 0 if a trial is infeasible.

    `Trial.set_constraint` needs the object that `ask` returned; here only the trial's id is known,
    perhaps in a later session.
    """
    return f"constraints:{name}"


def enqueued_point(trial: FrozenTrial) -> dict[str, Any]:
    """The values of a waiting trial; those of an enqueued one are only in its system attributes."""
    return dict(trial.system_attrs.get("fixed_params", trial.params))
