"""A read of the registry ends in time, whatever was asked for."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest

from schema.errors import InvalidField
from tests.integration.registries import DATABASES, registry_on, run

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize("database", DATABASES)
def test_a_read_that_takes_too_long_is_interrupted(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schema.registry.reading.READ_SECONDS", 0.2)
    with registry_on(database, tmp_path, request) as registry:
        started = time.monotonic()
        with pytest.raises(InvalidField):
            run(registry._read(lambda connection: connection.exec_driver_sql(ENDLESS)))
        assert time.monotonic() - started < 5
        run(registry.ping())


@pytest.mark.parametrize("database", DATABASES)
def test_a_read_for_which_nobody_waits_is_interrupted(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with registry_on(database, tmp_path, request) as registry:

        async def leave() -> None:
            work = registry._read(lambda connection: connection.exec_driver_sql(ENDLESS))
            reader = asyncio.create_task(work)
            await asyncio.sleep(0.3)
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader

        started = time.monotonic()
        run(leave())
        run(registry.close())  # waits for what runs
        assert time.monotonic() - started < 5
