"""The messages of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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


def reset_message(*tasks: str) -> StreamMessage:
    """Make the message that what a client has of these tasks may be wrong."""
    return StreamMessage("reset", {"tasks": list(tasks)})
