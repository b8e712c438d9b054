"""Ids of a stream's events: the positions of its tasks, from which a client that comes back goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from query.live.watermarks import StreamPosition

EVENT_ID = re.compile(r"\d{1,20}\.\d{1,20}(-\d{1,20}\.\d{1,20})*", re.A)
NOWHERE = (0, -1)


def event_id(positions: Iterable[StreamPosition]) -> str:
    """Return positions as the id of an event: ``batch.deletion`` of each task, in the request's order."""
    return "-".join([f"{batch}.{deletion}" for batch, deletion in positions])


def parse_event_id(text: str | None, tasks: Sequence[str]) -> dict[str, StreamPosition] | None:
    """Return the positions of an id; None if there is none.

    An id that is not of these tasks leads to a reset of each.
    """
    if not text:
        return None
    parts = [part.partition(".") for part in text.split("-")]
    if not EVENT_ID.fullmatch(text) or len(parts) != len(tasks):
        return dict.fromkeys(tasks, NOWHERE)
    return {task: (int(batch), int(deletion)) for task, (batch, _, deletion) in zip(tasks, parts, strict=True)}
