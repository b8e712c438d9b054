"""A registry of a test's own, on each database that Eventide runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from schema.registry import Registry
from tests.servers.postgres import new_database

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
    return new_database(request.getfixturevalue("postgres").url)
