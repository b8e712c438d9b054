"""The protocol of the log between gateway and writer. ``ingest/kafka`` and ``ingest/local`` implement it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schema.events.blocks import Block, Deletion


class Log(Protocol):
    """The log that makes accepted writes durable. Every method raises Unavailable if the same may be sent again."""

    async def publish(self, blocks: Sequence[Block], visible: bool) -> None:
        """Return once all blocks are durable, or, if ``visible``, once a read sees them."""

    async def delete(self, deletion: Deletion) -> int:
        """Delete in order with the writes around it; return how many events, once no read sees them."""

    async def check(self) -> None:
        """Raise Unavailable while nothing can be published."""
