"""Writes are counted when reads can see them, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pyarrow as pa
import pytest

from ingest.counted import CountedLog
from schema.blocks import ALL, Block, Deletion
from schema.changes import Changes
from schema.errors import Unavailable
from schema.tables import SCALAR


class SlowLog:
    """A log that takes its time."""

    def __init__(self) -> None:
        self.written = asyncio.Event()
        self.error: Exception | None = None

    async def publish(self, blocks: Sequence[Block], visible: bool) -> None:
        await self.written.wait()
        if self.error:
            raise self.error

    async def delete(self, deletion: Deletion) -> int:
        await self.written.wait()
        return 7

    async def check(self) -> None:
        return


def block(*tasks: str) -> Block:
    return Block("c", SCALAR, 0, pa.record_batch({"task": pa.array(tasks)}))


def test_a_write_is_counted_when_it_is_done() -> None:
    async def scenario() -> None:
        slow, changes = SlowLog(), Changes()
        log = CountedLog(slow, changes)
        writing = asyncio.create_task(log.publish([block("a", "a"), block("b")], True))
        deleting = asyncio.create_task(log.delete(Deletion("c", "d", ALL, 0)))
        await asyncio.sleep(0.01)
        assert [changes.of(entity) for entity in "abd"] == [0, 0, 0]
        slow.written.set()
        await writing
        assert await deleting == 7
        assert [changes.of(entity) for entity in "abcd"] == [1, 1, 0, 1]
        await log.check()

    asyncio.run(scenario())


def test_a_write_that_nobody_waits_for_is_counted_when_it_is_done() -> None:
    async def scenario() -> None:
        slow, changes = SlowLog(), Changes()
        writing = asyncio.create_task(CountedLog(slow, changes).publish([block("a")], True))
        await asyncio.sleep(0.01)
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        assert changes.of("a") == 0
        slow.written.set()
        await asyncio.sleep(0.01)
        assert changes.of("a") == 1

    asyncio.run(scenario())


def test_a_write_that_fails_may_have_been_seen() -> None:
    async def scenario() -> None:
        slow, changes = SlowLog(), Changes()
        slow.error = Unavailable("away")
        slow.written.set()
        with pytest.raises(Unavailable):
            await CountedLog(slow, changes).publish([block("a")], True)
        assert changes.of("a") == 1

    asyncio.run(scenario())
