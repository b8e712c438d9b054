"""The messages of a stream, as server-sent events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from query.live.event_ids import event_id
from query.live.watermarks import StreamPosition
from schema.json_encoding import to_json


@dataclass(frozen=True)
class StreamMessage:
    """A message of a stream: ``ready``, new ``points``, a ``change``, or ``reset``: read everything again."""

    name: str
    data: Mapping[str, Any]

    @cached_property
    def json(self) -> bytes:
        """The data as JSON, encoded once for all streams that get it."""
        return to_json(self.data)

    def encoded(self, positions: Iterable[StreamPosition]) -> bytes:
        """Return the message as a server-sent event, whose id are the positions of the stream that gets it."""
        return f"id: {event_id(positions)}\nevent: {self.name}\ndata: ".encode() + self.json + b"\n\n"


def reset_message(*tasks: str) -> StreamMessage:
    """Make the message that what a client has of these tasks may be wrong."""
    return StreamMessage("reset", {"tasks": list(tasks)})
