"""Moves ``last_update`` and ``last_change`` of what receives events or changes inside, at most once a second each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from schema.errors import Unavailable
from schema.events import Mention
from schema.registry import MODELS, TASKS, Kind, Registry, iso_now

INTERVAL_SECONDS = 1.0
logger = logging.getLogger("eventide.touch")


class Toucher:
    """Gathers documents and writes their times in the background; the first of a second at once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: dict[tuple[str, str], tuple[Kind, str]] = {}  # (kind, id) -> kind, by whom
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def touch_mentioned(self, mentions: Iterable[Mention], user: str) -> None:
        """These entities have new events from a user."""
        for mention in mentions:
            self.touch(MODELS if mention.is_model else TASKS, [mention.id], user)

    def touch(self, kind: Kind, ids: Iterable[str], user: str) -> None:
        """A user changed something of these documents."""
        self._waiting.update({(kind.name, document_id): (kind, user) for document_id in ids})
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
        touched, self._waiting = self._waiting, {}
        groups: dict[tuple[Kind, str], list[str]] = {}
        for (_, document_id), group in touched.items():
            groups.setdefault(group, []).append(document_id)
        for (kind, user), ids in groups.items():
            try:
                await self._registry.touch(kind, ids, iso_now(), user)
            except Unavailable as error:
                logger.warning("last_update not moved: %s", error)
