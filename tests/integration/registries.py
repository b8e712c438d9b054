"""A registry of a test's own, on each database that Eventide runs on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from schema.registry import Registry

DATABASES = ("sqlite", "postgres")
Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of one call."""
    return asyncio.run(work)


@contextmanager
def registry_on(database: str, directory: Path, request: pytest.FixtureRequest) -> Iterator[Registry]:
    """An empty registry."""
    registry = Registry(url_on(database, directory, request))
    run(registry.create_schema())
    yield registry
    run(registry.close())


def url_on(database: str, directory: Path, request: pytest.FixtureRequest) -> str:
    """Where an empty registry may be made."""
    if database == "sqlite":
        return f"sqlite:///{directory / 'registry.db'}"
    server = request.getfixturevalue("postgres").url
    name = f"registry_{secrets.token_hex(4)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return str(sa.make_url(server).set(database=name).render_as_string(hide_password=False))
