"""A statement for which nobody waits any more is killed, on a server and in chDB."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest

from schema.store import EmbeddedEngine, ServerEngine, Store
from tests.servers.clickhouse import ClickHouseServer

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)"
SECONDS = 20  # a minute is what a statement may take


def check_that_a_read_can_be_left(store: Store) -> None:
    async def leave() -> None:
        reader = asyncio.create_task(store.read(ENDLESS))
        await asyncio.sleep(1)
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        assert await store.read("SELECT 1 AS one") == [{"one": 1}]  # on the only thread

    started = time.monotonic()
    asyncio.run(leave())
    store.close()
    assert time.monotonic() - started < SECONDS


def test_in_chdb(tmp_path: Path) -> None:
    check_that_a_read_can_be_left(Store(EmbeddedEngine(tmp_path / "chdb"), readers=1))


@pytest.mark.parametrize("readers", [1])
def test_on_a_server(clickhouse_server: ClickHouseServer, readers: int) -> None:
    check_that_a_read_can_be_left(Store(ServerEngine(clickhouse_server.url), readers))
