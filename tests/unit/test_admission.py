"""Whose calls run, whose wait, and which are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from schema.errors import TooManyCalls
from schema.fairness.admission import CONTESTED_CALLS, FEWEST_CALLS, Admission, CallQueue
from schema.fairness.shares import Share, Shares, current_share


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(steps)


async def enter(calls: CallQueue, share: Share) -> None:
    """Return once a call may run."""
    if not calls.start(share):
        await calls.wait(share)


async def flood(calls: CallQueue, share: Share, count: int) -> list[asyncio.Task[None]]:
    """So many calls that come at once, and do not end by themselves."""
    tasks = [asyncio.create_task(enter(calls, share)) for _ in range(count)]
    await settled()
    return tasks


def test_alone_all_calls_run() -> None:
    async def steps() -> None:
        tasks = await flood(CallQueue(100), Shares().of("a"), 100)
        assert all(task.done() for task in tasks)

    run(steps())


@pytest.mark.parametrize(("call_seconds", "running"), [(0.0005, 5), (0.002, 2), (0.0051, 1), (1.0, 1)])
def test_beside_another_company_fewer_calls_run_if_they_take_long(call_seconds: float, running: int) -> None:
    async def steps() -> None:
        shares, calls = Shares(), CallQueue(100)
        a, b = shares.of("a"), shares.of("b")
        a.call_seconds = call_seconds
        assert [task.done() for task in await flood(calls, a, 20)].count(True) == running
        assert all(task.done() for task in await flood(calls, b, CONTESTED_CALLS // 2))

    run(steps())


def test_beside_another_company_calls_wait_behind_their_own() -> None:
    async def steps() -> None:
        shares, calls = Shares(), CallQueue(100)
        a, b = shares.of("a"), shares.of("b")
        tasks = await flood(calls, a, 50)
        assert [task.done() for task in tasks] == [True] * (CONTESTED_CALLS // 2) + [False] * (
            50 - CONTESTED_CALLS // 2
        )
        await asyncio.wait_for(enter(calls, b), 1)
        calls.leave(a)
        await settled()
        assert [task.done() for task in tasks].count(True) == CONTESTED_CALLS // 2 + 1

    run(steps())


def test_every_company_may_run_a_few_calls() -> None:
    async def steps() -> None:
        shares, calls = Shares(), CallQueue(100)
        some = [shares.of(f"company {number}") for number in range(50)]
        tasks = await flood(calls, some[0], 10)
        assert [task.done() for task in tasks].count(True) == FEWEST_CALLS

    run(steps())


def test_beyond_the_limit_calls_are_refused() -> None:
    async def steps() -> None:
        shares, calls = Shares(), CallQueue(20)
        a, b = shares.of("a"), shares.of("b")
        await flood(calls, a, 20)
        with pytest.raises(TooManyCalls):
            await enter(calls, a)
        await enter(calls, b)
        calls.leave(a)
        waiting = await flood(calls, a, 1)
        assert not waiting[0].done()

    run(steps())


def test_alone_a_company_has_the_same_limit() -> None:
    async def steps() -> None:
        a, calls = Shares().of("a"), CallQueue(3)
        await flood(calls, a, 3)
        with pytest.raises(TooManyCalls):
            await enter(calls, a)
        calls.leave(a)
        await enter(calls, a)

    run(steps())


@pytest.mark.parametrize("is_given", [False, True], ids=["waiting", "given just then"])
def test_who_leaves_gives_the_place_up(is_given: bool) -> None:
    async def steps() -> None:
        shares, calls = Shares(), CallQueue(40)
        a, _ = shares.of("a"), shares.of("b")
        running = CONTESTED_CALLS // 2
        tasks = await flood(calls, a, running + 2)
        if is_given:
            calls.leave(a)
        tasks[running].cancel()
        await settled()
        assert tasks[running].cancelled()
        assert tasks[running + 1].done() is is_given
        calls.leave(a)
        await settled()
        assert tasks[running + 1].done()

    run(steps())


def test_a_place_that_is_given_to_who_has_left_goes_to_the_next() -> None:
    async def steps() -> None:
        shares, calls = Shares(), CallQueue(40)
        a, _ = shares.of("a"), shares.of("b")
        running = CONTESTED_CALLS // 2
        tasks = await flood(calls, a, running + 2)
        tasks[running].cancel()
        calls.leave(a)
        await settled()
        assert tasks[running + 1].done()

    run(steps())


def test_what_is_done_for_a_call_counts_for_its_company() -> None:
    admission = Admission(10, {"a": 2.0})
    share = admission.share_of("a")
    assert current_share.get() is share
    assert (share.company, share.weight) == ("a", 2.0)
