"""The log between gateway and writer: what it promises. ``ingest/kafka`` has one, and ``ingest/local`` another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schema.events.blocks import Block, Deletion


class Log(Protocol):
    """Takes what the gateway accepted. Everything raises Unavailable if it may be sent again."""

    async def publish(self, blocks: Sequence[Block], visible: bool) -> None:
        """Return once all blocks are durable, or, if ``visible``, once a read sees them."""

    async def delete(self, deletion: Deletion) -> int:
        """Delete in order with the writes around it; returns how many events once no read sees them."""

    async def check(self) -> None:
        """Raises Unavailable while nothing can be published."""
