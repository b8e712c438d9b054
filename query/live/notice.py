"""What a stream tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from schema.wire import to_json


@dataclass(frozen=True)
class Notice:
    """What a stream tells: ``ready``, new ``points``, a ``change``, or to ask for everything again: ``reset``."""

    name: str
    data: Mapping[str, Any]

    @cached_property
    def json(self) -> bytes:
        """The data, written once for all streams that tell it."""
        return to_json(self.data)


def reset(*tasks: str) -> Notice:
    """What is held of these tasks may be wrong."""
    return Notice("reset", {"tasks": list(tasks)})
