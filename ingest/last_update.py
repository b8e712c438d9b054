"""Moves ``last_update`` and ``last_change`` of entities that get events or change, at most once a second each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from schema.events.normalize import Mention
from schema.registry import MODELS, TASKS, Kind, Registry

INTERVAL_SECONDS = 1.0


class LastUpdateRecorder:
    """Writes last updates to the registry in the background; the first of a second at once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def touch_mentioned(self, mentions: Iterable[Mention], user: str) -> None:
        """Record that entities got new events from a user."""
        for mention in mentions:
            self.touch(MODELS if mention.is_model else TASKS, [mention.id], user)

    def touch(self, kind: Kind, ids: Iterable[str], user: str) -> None:
        """Record that a user changed something of these documents."""
        self._registry.touch_soon(kind, ids, user)
        self._wake.set()

    async def close(self) -> None:
        """Write what is waiting, then stop."""
        self._task.cancel()
        await self._registry.settle()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._registry.settle()
            await asyncio.sleep(INTERVAL_SECONDS)
