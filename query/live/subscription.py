"""One stream: the queue of messages for its client, and the position up to which it has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

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
        self._told: asyncio.Queue[QueuedMessage] = asyncio.Queue(MAX_QUEUED_MESSAGES)

    def tell(self, notice: StreamMessage) -> None:
        """Queue a message; a client that is too slow gets a reset in place of all that waits."""
        if not self.is_ready:
            return
        if self._told.full():
            self._clear()
            notice = reset_message(*self.entities)
        self._told.put_nowait((list(self.positions.values()), notice))

    def close(self) -> None:
        """End the stream: nothing more will be sent."""
        self.is_closed = True
        self._clear()
        self._told.put_nowait(([], StreamMessage("end", {})))

    async def next(self, seconds: float) -> QueuedMessage | None:
        """Return the next message, and the positions after it; None if none came for so long."""
        try:
            return await asyncio.wait_for(self._told.get(), seconds)
        except TimeoutError:
            return None

    def _clear(self) -> None:
        while not self._told.empty():
            self._told.get_nowait()
