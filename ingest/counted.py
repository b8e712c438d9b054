"""A log that counts the writes of each entity, for the query service of the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from ingest.log import Log
from schema.blocks import Block, Deletion
from schema.changes import Changes

Result = TypeVar("Result")


class CountedLog:
    """Another log, whose blocks are visible when it answers."""

    def __init__(self, log: Log, changes: Changes) -> None:
        self._log = log
        self._changes = changes

    async def publish(self, blocks: Sequence[Block], visible: bool) -> None:
        """As the other's."""
        tasks = {task for block in blocks for task in block.tasks}
        await self._counted(self._log.publish(blocks, visible), tasks)

    async def delete(self, deletion: Deletion) -> int:
        """As the other's."""
        return await self._counted(self._log.delete(deletion), [deletion.entity])

    async def check(self) -> None:
        """As the other's."""
        await self._log.check()

    async def _counted(self, write: Coroutine[Any, Any, Result], entities: Iterable[str]) -> Result:
        """Count when the write is done, even if nobody waits for it any more, and before who waits is told."""
        running = asyncio.create_task(write)
        running.add_done_callback(lambda _: self._changes.add(entities))
        return await asyncio.shield(running)
