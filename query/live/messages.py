"""What a stream tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from schema.api.wire import to_json


@dataclass(frozen=True)
class StreamMessage:
    """What a stream tells: ``ready``, new ``points``, a ``change``, or to ask for everything again: ``reset``."""

    name: str
    data: Mapping[str, Any]

    @cached_property
    def json(self) -> bytes:
        """The data, written once for all streams that tell it."""
        return to_json(self.data)


def reset_message(*tasks: str) -> StreamMessage:
    """What is held of these tasks may be wrong."""
    return StreamMessage("reset", {"tasks": list(tasks)})
