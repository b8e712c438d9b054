"""Streams that come and go together."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from query.live.stream_hub import StreamHub
from query.live.stream_quotas import StreamQuotas
from schema.api.wire import Caller
from schema.changefeed.changefeed import NoChangefeed
from schema.errors import Unavailable
from schema.quotas.ledger import QuotaLedger
from schema.registry import Entity, Registry
from schema.store import Store
from tests.harness.listener import events_of

USER = Caller("user", "company", "user")


def unlimited() -> StreamQuotas:
    return StreamQuotas(QuotaLedger(cast("Registry", None)))


def entity(key: str) -> Entity:
    return Entity(key, key, "in_progress", "company", "company", is_locked=False)


def test_a_stream_may_come_while_the_last_other_one_leaves(store: Store) -> None:
    async def come_and_go() -> list[str]:
        watching = StreamHub(store, NoChangefeed(), unlimited())
        first = await watching.subscribe(USER, [entity("a")], True, None)
        second = asyncio.create_task(watching.subscribe(USER, [entity("a"), entity("b")], True, None))
        await asyncio.sleep(0)
        watching.unsubscribe(first)
        names = [name for name, _ in events_of(await (await second).receive(5))]
        await watching.close()
        return names

    assert asyncio.run(come_and_go()) == ["ready"]


def test_after_the_end_no_stream_begins(store: Store) -> None:
    async def end() -> None:
        watching = StreamHub(store, NoChangefeed(), unlimited())
        open_one = await watching.subscribe(USER, [entity("a")], True, None)
        await watching.close()
        assert open_one.is_closed
        with pytest.raises(Unavailable):
            await watching.subscribe(USER, [entity("a")], True, None)

    asyncio.run(end())
