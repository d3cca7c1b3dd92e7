"""Addresses of databases and servers, read and made as the libraries do that open them.

A path is no URL: `?`, `#` and `%` mean other things there. SQLAlchemy takes database URLs apart
and makes them; nothing else in this program does.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import FmsearchError
from .redaction import shown

if TYPE_CHECKING:
    from sqlalchemy import URL

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASES = (SQLITE, POSTGRESQL, "mysql", "mssql")
SERVERS = ("http", "https")
A_FILE = "a file is like sqlite:///mlruns/a.db"


def kind(address: str) -> str:
    """What is before `://`, without the driver that may stand there: `sqlite`, `https`."""
    scheme, mark, _ = address.partition("://")
    return scheme.partition("+")[0] if mark else ""


def sqlite_address(file: Path) -> str:
    """The address of an SQLite file, whatever characters its path has."""
    from sqlalchemy import URL

    address = URL.create(SQLITE, database=str(file)).render_as_string()
    if address.endswith(f"/{file}"):
        return address
    # Of `sqlite:///a%3Fb/c` MLflow would make a folder `a%3Fb`; not where a driver is named.
    return URL.create(f"{SQLITE}+pysqlite", database=str(file)).render_as_string()


def sqlite_file(address: str) -> Path | None:
    """The file of an SQLite database; None for every other address."""
    if kind(address) != SQLITE:
        return None
    return Path(_database_url(address).database or "")


def resolved(address: str) -> str:
    """An address as it is used: that of an SQLite file has the file's one real path.

    So a relative path, a symbolic link and another spelling are one file in all that follows.

    Raises:
        FmsearchError: It keeps nothing, is no path of a file, or has a space.
    """
    if kind(address) != SQLITE:
        if re.search(r"\s", address):
            raise FmsearchError(f"the address {shown(address)!r} has a space; write it as %20")
        return address
    url = _database_url(address)
    database = url.database or ""
    if "\0" in database or url.host or (database.startswith("file:") and "uri" in url.query):
        raise FmsearchError(f"{shown(address)} names no file by its path; {A_FILE}")
    if database in ("", ":memory:"):
        raise FmsearchError(f"{shown(address)} keeps nothing; {A_FILE}")
    made = _database_url(sqlite_address(Path(os.path.realpath(database))))
    if "+" in url.drivername:
        made = made.set(drivername=url.drivername)
    return made.set(query=url.query).render_as_string()


def with_driver(address: str, driver: str) -> str:
    """A database's URL with that driver, where it names none.

    Raises:
        FmsearchError: It is malformed.
    """
    url = _database_url(address)
    if "+" not in url.drivername:
        url = url.set(drivername=f"{url.drivername}+{driver}")
    return url.render_as_string(hide_password=False)


def check_tracking_uri(address: str) -> None:
    """See that it is an address of MLflow's.

    Raises:
        FmsearchError: It is neither a database's nor an HTTP server's.
    """
    try:
        parts = urlsplit(address)
        is_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that make no sense
        is_host = False
    if kind(address) not in DATABASES and not (kind(address) in SERVERS and is_host):
        raise FmsearchError(
            f"the tracking URI {shown(address)!r} is neither an http(s) address nor a database URL "
            "such as sqlite:///mlruns/mlflow.db"
        )


def _database_url(address: str) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(address)
    except (ArgumentError, ValueError) as error:  # the second of a port that is no number
        raise FmsearchError(f"cannot read the address {shown(address)}: {error}") from error
