"""Streams that are slow, come and go, and the ids from which they go on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from query.stream import NOWHERE, event_id, parse_event_id
from query.watching import QUEUED_NOTICES, Notice, Subscription, Watching
from schema.errors import Unavailable
from schema.registry import Entity


def entity(key: str) -> Entity:
    return Entity(key, key, "in_progress", "company", "company", is_locked=False)


class SlowStore:
    """Answers reads with nothing, after a moment in which others come and go."""

    async def read(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        await asyncio.sleep(0.01)
        return []


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


def test_a_stream_may_come_while_the_last_other_one_leaves() -> None:
    async def come_and_go() -> list[str]:
        watching = Watching(SlowStore())  # type: ignore[arg-type]
        first = await watching.subscribe("user", [entity("a")], True, None)
        second = asyncio.create_task(watching.subscribe("user", [entity("a"), entity("b")], True, None))
        await asyncio.sleep(0)
        watching.unsubscribe(first)
        names = await told(await second)
        await watching.close()
        return names

    assert asyncio.run(come_and_go()) == ["ready"]


def test_after_the_end_no_stream_begins() -> None:
    async def end() -> None:
        watching = Watching(SlowStore())  # type: ignore[arg-type]
        open_one = await watching.subscribe("user", [entity("a")], True, None)
        await watching.close()
        assert open_one.is_closed
        with pytest.raises(Unavailable):
            await watching.subscribe("user", [entity("a")], True, None)

    asyncio.run(end())
