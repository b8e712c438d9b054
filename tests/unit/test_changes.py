"""``schema/changes.py``: who reads an entity waits for what was acknowledged of it, and for nothing else."""

from __future__ import annotations

import asyncio

import pytest

from schema.changes import Changes, News


async def is_done(waiting: asyncio.Task[bool]) -> bool:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return waiting.done()


def test_a_read_waits_for_the_newest_write_of_its_entities() -> None:
    async def scenario() -> None:
        changes = Changes()
        changes.take(1, ["a", "b"])
        changes.take(2, ["a"])
        waiting = asyncio.create_task(changes.settled(["b", "a"]))
        assert not await is_done(waiting)
        assert changes.is_awaited
        assert changes.wanted.is_set()
        changes.apply(1, ["a", "b"])
        assert not await is_done(waiting)
        changes.apply(2, ["a"])
        assert await is_done(waiting)
        assert not changes.is_awaited

    asyncio.run(scenario())


@pytest.mark.parametrize("ids", [["other"], []])
def test_a_read_of_other_entities_does_not_wait(ids: list[str]) -> None:
    async def scenario() -> None:
        changes = Changes()
        changes.take(1, ["a"])
        assert await asyncio.wait_for(changes.settled(ids), 1)

    asyncio.run(scenario())


def test_what_is_written_is_counted_when_it_can_be_read() -> None:
    changes = Changes()
    changes.take(1, ["a", "b"])
    assert changes.of("a") == 0
    changes.apply(1, ["a", "b"])
    changes.take(2, ["a"])
    changes.apply(2, ["a"])
    assert [changes.of(entity) for entity in "abc"] == [2, 1, 0]


def test_what_is_written_is_counted_by_type_unless_something_was_lost() -> None:
    changes = Changes()
    changes.apply(1, ["a", "b"], News(types={"a": {"log", "plot"}}))
    assert [changes.of("a", name) for name in ("log", "plot", "scalar")] == [1, 1, 0]
    assert [changes.of("b", name) for name in ("log", "scalar")] == [1, 1]
    changes.apply(2, ["a"])
    assert [changes.of("a", name) for name in ("log", "plot", "scalar")] == [2, 2, 1]
    assert [changes.of(entity) for entity in "ab"] == [2, 1]


def test_nobody_waits_for_what_cannot_be_until_something_can() -> None:
    async def scenario() -> None:
        changes = Changes()
        changes.take(1, ["a"])
        waiting = asyncio.create_task(changes.settled(["a"]))
        assert not await is_done(waiting)
        changes.fail()
        assert not await waiting
        assert not await changes.settled(["a"])
        assert await changes.settled(["other"])
        changes.apply(1, ["a"])
        assert await changes.settled(["a"])
        changes.take(2, ["a"])
        waiting = asyncio.create_task(changes.settled(["a"]))
        assert not await is_done(waiting)
        changes.apply(2, ["a"])
        assert await waiting

    asyncio.run(scenario())


def test_who_gives_up_is_not_waited_for() -> None:
    async def scenario() -> None:
        changes = Changes()
        changes.take(1, ["a"])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(changes.settled(["a"]), 0.01)
        changes.apply(1, ["a"])
        changes.take(2, ["b"])
        changes.fail()

    asyncio.run(scenario())
