"""The scripts of migrations, read once by each process.

Alembic reads all scripts whenever Optuna or MLflow opens a database, to see whether its tables are
the newest: 40 ms of CPU for each. They do not change while tests run.
"""

from __future__ import annotations

from functools import cache

from alembic.config import Config
from alembic.script import ScriptDirectory


@cache
def read_once() -> None:
    """Let Alembic, in this process, keep the scripts that it has read."""
    read = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def from_config(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = read(config)
        return known[place]

    ScriptDirectory.from_config = from_config  # type: ignore[assignment]


def read_now() -> None:
    """Read the scripts of Optuna and of MLflow, for the processes that are forked from this one."""
    from mlflow.store.db.utils import _get_latest_schema_revision
    from optuna.storages import RDBStorage

    read_once()
    RDBStorage("sqlite://")
    _get_latest_schema_revision()
