"""One stream: the queue of events for its client, and the position up to which it has them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from query.live.messages import StreamMessage, reset_message
from query.live.watermarks import StreamPosition
from schema.api.wire import Caller
from schema.registry import Entity

MAX_QUEUED_ROUNDS = 128


class Subscription:
    """One stream. ``positions``: up to where it was told, by entity. ``is_ready``: it was told where it begins."""

    def __init__(self, caller: Caller, entities: Sequence[Entity], wants_points: bool) -> None:
        self.caller = caller
        self.entities = {entity.id: entity for entity in entities}
        self.wants_points = wants_points
        self.positions: dict[str, StreamPosition] = dict.fromkeys(self.entities, (0, 0))
        self.is_ready = False
        self.is_closed = False
        self._queue: list[bytes] = []
        self._is_told = asyncio.Event()

    def tell(self, message: StreamMessage) -> None:
        """Queue a message for this stream alone."""
        self._enqueue(message.encoded(self.positions.values()))

    def advance(self, positions: Mapping[str, StreamPosition], events: bytes) -> None:
        """Queue the events of a round, encoded, after which the stream is at ``positions``."""
        self.positions = dict(positions)
        self._enqueue(events)

    def close(self) -> None:
        """End the stream: nothing more will be sent."""
        self.is_closed = True
        self._is_told.set()

    async def receive(self, seconds: float) -> bytes:
        """Return all events that wait; none if none came for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_told.wait()
        self._is_told.clear()
        told, self._queue = self._queue, []
        return b"".join(told)

    def _enqueue(self, events: bytes) -> None:
        """Queue events; a client that is too slow gets a reset in place of all that waits."""
        if len(self._queue) == MAX_QUEUED_ROUNDS:
            self._queue = [reset_message(*self.entities).encoded(self.positions.values())]
        else:
            self._queue.append(events)
        self._is_told.set()
