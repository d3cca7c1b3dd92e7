"""Copying a study's first trials in the tables of the storage and of MLflow."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, select, text

from .field import FIRST


def fill(storage: str, tracking_uri: str, count: int) -> None:
    """Copy the first trials in storage and MLflow, in turn, until there are `count` trials."""
    fill_storage(create_engine(storage.replace("ql://", "ql+psycopg://")), count)
    fill_store(create_engine(tracking_uri), count)


def fill_storage(engine: Engine, count: int) -> None:
    """Copy the rows of a storage's first trials, in turn, until it has `count` trials."""
    known, chance = MetaData(), random.Random(0)
    known.reflect(engine)
    with engine.begin() as connection:
        for table in (one for one in known.sorted_tables if "trial_id" in one.c):
            own = [column.name for column in table.primary_key]
            templates: dict[int, list[dict[str, Any]]] = {}
            for row in connection.execute(select(table)):
                templates.setdefault(row._mapping["trial_id"], []).append(dict(row._mapping))
            copies = []
            for number in range(FIRST, count):
                for template in templates.get(number % FIRST + 1, []):
                    copy = {**template, "trial_id": number + 1}
                    if own != ["trial_id"]:
                        del copy[own[0]]
                    if table.name == "trials":
                        copy["number"] = number
                    if copy.get("param_name") == "dropout_rate":
                        copy["param_value"] = chance.uniform(0, 0.5)
                    copies.append(copy)
            if copies:
                connection.execute(table.insert(), copies)
        if engine.dialect.name == "postgresql":  # inserting ids does not advance its counter
            counter = text("SELECT setval(pg_get_serial_sequence('trials', 'trial_id'), :count)")
            connection.execute(counter, {"count": count})


def fill_store(engine: Engine, count: int) -> None:
    """Copy the runs of the first trials, models included, until there are `count` runs."""
    tables = MetaData()
    tables.reflect(engine)
    runs, tags = tables.tables["runs"], tables.tables["tags"]
    wanted = [
        tables.tables[name]
        for name in (
            "runs", "tags", "params", "metrics", "latest_metrics", "logged_models",
            "logged_model_tags", "inputs",
        )
    ]  # fmt: skip
    with engine.begin() as connection:
        is_trial = select(tags.c.run_uuid).where(tags.c.key == "fmsearch.trial")
        ids = list(connection.scalars(select(runs.c.run_uuid).where(runs.c.run_uuid.in_(is_trial))))
        templates = {run: rows_of(connection, wanted, run) for run in ids}
        copies = defaultdict(list)
        for number in range(FIRST, count):
            new: defaultdict[str, str] = defaultdict(lambda: uuid.uuid4().hex)
            run = ids[number % FIRST]
            names = {run, *(row["model_id"] for row in templates[run]["logged_models"])}
            for table, rows in templates[run].items():
                for row in rows:
                    copy = {
                        name: new[value] if value in names or name == "input_uuid" else value
                        for name, value in row.items()
                    }
                    if copy.get("key", copy.get("tag_key")) == "fmsearch.trial":
                        copy["value" if table == "tags" else "tag_value"] = str(number)
                    copies[table].append(copy)
        for table in wanted:
            connection.execute(table.insert(), copies[table.name])


def rows_of(connection: Any, tables: list[Any], run: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a run, and of its model, by table."""
    found, names = {}, {run}
    for table in tables:
        found[table.name] = [
            dict(row._mapping)
            for row in connection.execute(select(table))
            if names & {str(value) for value in row}
        ]
        names |= {row["model_id"] for row in found[table.name] if table.name == "logged_models"}
    return found
