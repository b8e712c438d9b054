"""One stream: the queue of messages for its client, and the position up to which it has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from query.live.messages import StreamMessage, reset_message
from query.live.watermarks import StreamPosition
from schema.api.wire import Caller
from schema.registry import Entity

MAX_QUEUED_MESSAGES = 256

QueuedMessage = tuple[list[StreamPosition], StreamMessage]


class Subscription:
    """One stream. ``positions``: up to where it was told, by entity."""

    def __init__(self, caller: Caller, entities: Sequence[Entity], wants_points: bool) -> None:
        self.caller = caller
        self.entities = {entity.id: entity for entity in entities}
        self.wants_points = wants_points
        self.positions: dict[str, StreamPosition] = dict.fromkeys(self.entities, (0, 0))
        self.is_ready = False
        self.is_closed = False
        self._queue: list[QueuedMessage] = []
        self._is_told = asyncio.Event()

    def tell(self, notice: StreamMessage) -> None:
        """Queue a message; a client that is too slow gets a reset in place of all that waits."""
        if not self.is_ready:
            return
        if len(self._queue) == MAX_QUEUED_MESSAGES:
            self._queue.clear()
            notice = reset_message(*self.entities)
        self._queue.append((list(self.positions.values()), notice))
        self._is_told.set()

    def close(self) -> None:
        """End the stream: nothing more will be sent."""
        self.is_closed = True
        self._is_told.set()

    async def receive(self, seconds: float) -> list[QueuedMessage]:
        """Return all messages that wait, each with the positions after it; none if none came for so long.

        A round of the hub tells several at once: to wake up for each took most of the time of many streams.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_told.wait()
        self._is_told.clear()
        told, self._queue = self._queue, []
        return told
