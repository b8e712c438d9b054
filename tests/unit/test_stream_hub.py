"""Streams that are slow, and the ids from which they go on."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any, cast

import pytest

from query.live import stream_hub
from query.live.event_ids import NOWHERE, event_id, parse_event_id
from query.live.messages import StreamMessage
from query.live.new_points import BUCKETS_SQL, CURVE_POINTS, POINTS_SQL
from query.live.rounds import EntityChange, events_for
from query.live.stream_quotas import StreamQuotas
from query.live.subscription import MAX_QUEUED_ROUNDS, Subscription
from query.live.watermarks import WATERMARK_SQL, EntityWatermark
from schema.api.wire import Caller
from schema.changefeed.changefeed import NoChangefeed
from schema.errors import TooManyStreams, Unavailable
from schema.events.tables import SCALAR
from schema.quotas.ledger import QuotaLedger
from schema.registry import Entity, Registry
from schema.store import Store
from tests.harness.listener import events_of

USER = Caller("user", "company", "user")


def unlimited() -> StreamQuotas:
    return StreamQuotas(QuotaLedger(cast("Registry", None)))


def entity(key: str) -> Entity:
    return Entity(key, key, "in_progress", "company", "company", is_locked=False)


def test_ids_are_read_as_they_were_made() -> None:
    tasks = ["a", "b"]
    assert parse_event_id(event_id([(5, 0), (7, 3)]), tasks) == {"a": (5, 0), "b": (7, 3)}
    assert parse_event_id(None, tasks) is None
    for foreign in ("x", "1.2", "1.2-3.4-5.6", "1.2-3", "1.2-3.-4", "1.2--3.4", "1" * 30 + ".1-1.1"):
        assert parse_event_id(foreign, tasks) == {"a": NOWHERE, "b": NOWHERE}


async def told(subscription: Subscription) -> list[str]:
    found = [name for name, _ in events_of(await subscription.receive(0.001))]
    assert not await subscription.receive(0.001)
    return found


def test_a_slow_reader_gets_a_reset_in_place_of_what_waits() -> None:
    async def overflow() -> list[str]:
        subscription = Subscription(USER, [entity("a")], wants_points=True)
        for _ in range(MAX_QUEUED_ROUNDS + 1):
            subscription.tell(StreamMessage("points", {}))
        subscription.tell(StreamMessage("change", {}))
        return await told(subscription)

    assert asyncio.run(overflow()) == ["reset", "change"]


class WrittenStore:
    """A store in which one entity was written. ``failures``: how often its points cannot be read."""

    def __init__(self, failures: int, points: list[list[float]]) -> None:
        self.batch, self.failures, self.points = 1, failures, points
        self.asked: list[str] = []

    async def read(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked.append(sql)
        if sql == WATERMARK_SQL:
            mark = {"batch": self.batch, "newest_iter": 1, "newest": self.batch, "received": 1}
            return [{"task": "a", "event_type": SCALAR} | mark]
        if sql not in (POINTS_SQL, BUCKETS_SQL):
            return []
        if self.failures:
            self.failures -= 1
            raise Unavailable("away")
        points = self.points if sql == POINTS_SQL else [[1, 5, 0.5, 0.0, 1.0, 0.25]]
        return [{"task": "a", "metric": "m", "variant": "v", "removed": 0, "points": points}]


async def first_points(store: WrittenStore) -> Any:
    watched = stream_hub.StreamHub(cast("Store", store), NoChangefeed(), unlimited())
    subscription = await watched.subscribe(USER, [entity("a")], True, None)
    store.batch = 2
    found: list[Any] = []
    while not found and (told := await subscription.receive(5)):
        found = [data for name, data in events_of(told) if name == "points"]
    await watched.close()
    return found[0]["metrics"]["m"]["v"]


def test_points_that_could_not_be_read_are_told_in_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_hub, "ROUND_SECONDS", 0.01)
    told = asyncio.run(first_points(WrittenStore(2, [[1, 5, 0.5]])))
    assert told == {"x": [1], "t": [5], "y": [0.5], "y_min": [0.5], "y_max": [0.5], "y_last": [0.5]}


@pytest.mark.parametrize("points", [[[n, 5, 0.5] for n in range(CURVE_POINTS + 1)], [[1, 5, 0.0], [1, 5, 1.0]]])
def test_crowded_points_become_few_with_their_range(monkeypatch: pytest.MonkeyPatch, points: list[list[float]]) -> None:
    monkeypatch.setattr(stream_hub, "ROUND_SECONDS", 0.01)
    store = WrittenStore(0, points)
    told = asyncio.run(first_points(store))
    assert told == {"x": [1], "t": [5], "y": [0.5], "y_min": [0.0], "y_max": [1.0], "y_last": [0.25]}
    assert BUCKETS_SQL in store.asked


def test_streams_are_limited_by_user_and_by_company() -> None:
    limits = stream_hub.StreamLimits(of_company=3, of_user=2)

    async def come() -> list[str]:
        hub = stream_hub.StreamHub(cast("Store", WrittenStore(0, [])), NoChangefeed(), unlimited(), limits)
        outcomes = []
        for user, company in ("aA", "aA", "aA", "bA", "cA", "dB"):
            try:
                await hub.subscribe(Caller(user, company, "user"), [entity("a")], True, None)
                outcomes.append("open")
            except TooManyStreams as error:
                outcomes.append(str(error))
        await hub.close()
        return outcomes

    of_user, of_company = "A user has at most 2 streams open", "A company has at most 3 streams open"
    assert asyncio.run(come()) == ["open", "open", of_user, "open", of_company, "open"]


def test_other_work_goes_on_while_many_streams_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_hub, "ROUND_SECONDS", 0.01)
    told: list[Subscription] = []
    monkeypatch.setattr(Subscription, "advance", lambda self, *_: told.append(self))

    async def most_at_once() -> int:
        store = WrittenStore(0, [[1, 5, 0.5]])
        hub = stream_hub.StreamHub(cast("Store", store), NoChangefeed(), unlimited())
        users = [Caller(f"user {number}", "company", "user") for number in range(100)]
        opened = [await hub.subscribe(user, [entity("a")], True, None) for user in users]
        store.batch, counts = 2, [0]
        async with asyncio.timeout(10):
            while len(told) < len(opened):
                await asyncio.sleep(0)
                counts.append(len(told))
        await hub.close()
        return max(after - before for before, after in pairwise(counts))

    assert asyncio.run(most_at_once()) <= stream_hub.STREAMS_AT_ONCE
    assert len(set(told)) == 100


def test_streams_at_other_positions_get_other_events() -> None:
    before, now = EntityWatermark((1, 0), 1, {SCALAR: 1}), EntityWatermark((2, 0), 7, {SCALAR: 2})
    changes = [EntityChange(key, before, now, StreamMessage("points", {"task": key})) for key in "ab"]
    change = {"types": [SCALAR], "last_iteration": 7}

    positions, sent = events_for(((("a", (1, 0)), ("c", (5, 5))), False), changes)
    assert positions == {"a": (2, 0), "c": (5, 5)}
    assert events_of(sent) == [("change", {"task": "a"} | change)]
    assert b"id: 2.0-5.5\n" in sent

    positions, sent = events_for(((("b", (0, 0)),), True), changes)
    assert positions == {"b": (2, 0)}
    assert events_of(sent) == [("points", {"task": "b"}), ("change", {"task": "b"} | change)]
    assert sent.startswith(b"id: 1.0\n")
