"""Streams that are slow, and the ids from which they go on."""

from __future__ import annotations

import asyncio

from query.stream import NOWHERE, event_id, parse_event_id
from query.watching import QUEUED_NOTICES, Notice, Subscription
from schema.registry import Entity


def entity(key: str) -> Entity:
    return Entity(key, key, "in_progress", "company", "company", is_locked=False)


def test_ids_are_read_as_they_were_made() -> None:
    tasks = ["a", "b"]
    assert parse_event_id(event_id([(5, 0), (7, 3)]), tasks) == {"a": (5, 0), "b": (7, 3)}
    assert parse_event_id(None, tasks) is None
    for foreign in ("x", "1.2", "1.2-3.4-5.6", "1.2-3", "1.2-3.-4", "1.2--3.4", "1" * 30 + ".1-1.1"):
        assert parse_event_id(foreign, tasks) == {"a": NOWHERE, "b": NOWHERE}


async def told(subscription: Subscription) -> list[str]:
    found = []
    while one := await subscription.next(0.001):
        found.append(one[1].name)
    return found


def test_a_slow_reader_gets_a_reset_in_place_of_what_waits() -> None:
    async def overflow() -> list[str]:
        subscription = Subscription("user", [entity("a")], wants_points=True)
        subscription.is_ready = True
        for _ in range(QUEUED_NOTICES + 1):
            subscription.tell(Notice("points", {}))
        subscription.tell(Notice("change", {}))
        return await told(subscription)

    assert asyncio.run(overflow()) == ["reset", "change"]
