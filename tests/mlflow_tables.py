"""MLflow's tables, made once for all tests: a new SQLite database is a copy of them.

MLflow's migrations cost 1.2 s of CPU for each new database. What is copied is a database without
runs, without users and without addresses: where artifacts go is written into the copy.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine


def copy_from(tables: Path) -> None:
    """Let MLflow, in this process, copy new tables from a file, which is made if need be."""
    from mlflow.store.db import utils
    from sqlalchemy import inspect

    if hasattr(utils, "migrate"):
        return
    utils.migrate = utils._initialize_tables

    def copy(new: Engine) -> None:
        if new.dialect.name == "sqlite" and not inspect(new).get_table_names():
            with (
                closing(sqlite3.connect(":memory:")) as source,
                closing(new.raw_connection()) as target,
            ):
                source.deserialize(_made(tables))
                source.backup(target.driver_connection)
        else:
            utils.migrate(new)

    utils._initialize_tables = copy


def migrate_again() -> None:
    """Let MLflow, in this process, make new tables by its migrations, as it does by itself."""
    from mlflow.store.db import utils

    utils._initialize_tables = utils.migrate


@cache
def _made(tables: Path) -> bytes:
    """The file's content; it is made by the first of all processes that want it."""
    from mlflow.store.db import utils
    from sqlalchemy import create_engine

    with tables.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tables.exists():
            making = tables.with_suffix(".part")
            making.unlink(missing_ok=True)
            engine = create_engine(f"sqlite:///{making}")
            utils.migrate(engine)
            engine.dispose()
            making.replace(tables)
        return tables.read_bytes()
