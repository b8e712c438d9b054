"""Moves ``last_update`` and ``last_change`` of the entities that receive events, at most once a second each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from schema.errors import Unavailable
from schema.events import Mention
from schema.registry import MODELS, TASKS, Registry, iso_now

INTERVAL_SECONDS = 1.0
logger = logging.getLogger("eventide.touch")


class Toucher:
    """Gathers entities and writes them to the registry in the background; the first of a second at once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: set[tuple[str, bool]] = set()
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def touch(self, mentions: Iterable[Mention]) -> None:
        """These entities have new events."""
        self._waiting.update((mention.id, mention.is_model) for mention in mentions)
        self._wake.set()

    async def close(self) -> None:
        """Write what is waiting, then stop."""
        self._task.cancel()
        await self._flush()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._flush()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _flush(self) -> None:
        touched, self._waiting = self._waiting, set()
        for table, is_model in ((TASKS, False), (MODELS, True)):
            if ids := [entity_id for entity_id, of_model in touched if of_model == is_model]:
                try:
                    await self._registry.touch(table, ids, iso_now())
                except Unavailable as error:
                    logger.warning("last_update not moved: %s", error)
