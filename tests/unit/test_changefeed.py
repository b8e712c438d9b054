"""``schema/changefeed/changefeed.py``: who reads an entity waits for what was acknowledged of it, and for nothing
else."""

from __future__ import annotations

import asyncio

import pytest

from schema.changefeed.change_batch import ChangeBatch
from schema.changefeed.changefeed import Changefeed


async def is_done(waiting: asyncio.Task[bool]) -> bool:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return waiting.done()


def test_a_read_waits_for_the_newest_write_of_its_entities() -> None:
    async def scenario() -> None:
        changefeed = Changefeed()
        changefeed.announce(1, ["a", "b"])
        changefeed.announce(2, ["a"])
        waiting = asyncio.create_task(changefeed.wait_until_readable(["b", "a"]))
        assert not await is_done(waiting)
        assert changefeed.is_awaited
        assert changefeed.wanted.is_set()
        changefeed.apply(1, ["a", "b"])
        assert not await is_done(waiting)
        changefeed.apply(2, ["a"])
        assert await is_done(waiting)
        assert not changefeed.is_awaited

    asyncio.run(scenario())


@pytest.mark.parametrize("ids", [["other"], []])
def test_a_read_of_other_entities_does_not_wait(ids: list[str]) -> None:
    async def scenario() -> None:
        changefeed = Changefeed()
        changefeed.announce(1, ["a"])
        assert await asyncio.wait_for(changefeed.wait_until_readable(ids), 1)

    asyncio.run(scenario())


def test_what_is_written_is_counted_when_it_can_be_read() -> None:
    changefeed = Changefeed()
    changefeed.announce(1, ["a", "b"])
    assert changefeed.version("a") == 0
    changefeed.apply(1, ["a", "b"])
    changefeed.announce(2, ["a"])
    changefeed.apply(2, ["a"])
    assert [changefeed.version(entity) for entity in "abc"] == [2, 1, 0]


def test_what_is_written_is_counted_by_type_unless_something_was_lost() -> None:
    changefeed = Changefeed()
    changefeed.apply(1, ["a", "b"], ChangeBatch(event_types={"a": {"log", "plot"}}))
    assert [changefeed.version("a", name) for name in ("log", "plot", "scalar")] == [1, 1, 0]
    assert [changefeed.version("b", name) for name in ("log", "scalar")] == [1, 1]
    changefeed.apply(2, ["a"])
    assert [changefeed.version("a", name) for name in ("log", "plot", "scalar")] == [2, 2, 1]
    assert [changefeed.version(entity) for entity in "ab"] == [2, 1]


def test_nobody_waits_for_what_cannot_be_until_something_can() -> None:
    async def scenario() -> None:
        changefeed = Changefeed()
        changefeed.announce(1, ["a"])
        waiting = asyncio.create_task(changefeed.wait_until_readable(["a"]))
        assert not await is_done(waiting)
        changefeed.fail()
        assert not await waiting
        assert not await changefeed.wait_until_readable(["a"])
        assert await changefeed.wait_until_readable(["other"])
        changefeed.apply(1, ["a"])
        assert await changefeed.wait_until_readable(["a"])
        changefeed.announce(2, ["a"])
        waiting = asyncio.create_task(changefeed.wait_until_readable(["a"]))
        assert not await is_done(waiting)
        changefeed.apply(2, ["a"])
        assert await waiting

    asyncio.run(scenario())


def test_who_gives_up_is_not_waited_for() -> None:
    async def scenario() -> None:
        changefeed = Changefeed()
        changefeed.announce(1, ["a"])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(changefeed.wait_until_readable(["a"]), 0.01)
        changefeed.apply(1, ["a"])
        changefeed.announce(2, ["b"])
        changefeed.fail()

    asyncio.run(scenario())
