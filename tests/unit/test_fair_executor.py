"""Threads that companies share: whose work starts next, and what becomes of it when nobody waits any more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar

import pytest

from schema.fairness.fair_executor import FairExecutor
from schema.fairness.shares import AVERAGED_CALLS, Share, Shares, current_share


def run_as(executor: FairExecutor, share: Share, work: Callable[[], object]) -> asyncio.Task[object]:
    """Submit work for a company."""

    async def submit() -> object:
        current_share.set(share)
        return await executor.run(work)

    return asyncio.create_task(submit())


def test_work_knows_the_context_of_whoever_wants_it() -> None:
    known: ContextVar[str] = ContextVar("known", default="nobody")

    async def ask(executor: FairExecutor, name: str) -> str:
        known.set(name)
        return await executor.run(known.get)

    async def scenario(executor: FairExecutor) -> None:
        names = [f"request {number}" for number in range(20)]
        assert await asyncio.gather(*(ask(executor, name) for name in names)) == names

    on(2, scenario)


class Gate:
    """Work that blocks until it is opened."""

    def __init__(self) -> None:
        self.started, self.opened = threading.Semaphore(0), threading.Event()

    def __call__(self) -> None:
        self.started.release()
        assert self.opened.wait(10)

    async def is_entered(self, times: int) -> None:
        """Wait until it blocks so many threads."""
        for _ in range(times):
            assert await asyncio.to_thread(self.started.acquire, True, 10)


def on(threads: int, steps: Callable[[FairExecutor], Awaitable[None]], spare: int = 1) -> None:
    executor = FairExecutor(threads, "test", spare)

    async def scenario() -> None:
        await steps(executor)

    try:
        asyncio.run(scenario())
    finally:
        executor.shutdown()


def test_results_and_errors_come_back() -> None:
    async def steps(executor: FairExecutor) -> None:
        assert await executor.run(lambda a, b: a + b, 1, 2) == 3
        with pytest.raises(ZeroDivisionError):
            await executor.run(lambda: 1 // 0)
        assert await executor.run(int, "7") == 7

    on(1, steps)


def test_a_company_is_charged_the_time_that_its_work_computes() -> None:
    share = Shares().of("a")

    def compute() -> None:
        began = time.thread_time()
        while time.thread_time() - began < 0.02:
            pass

    async def steps(executor: FairExecutor) -> None:
        await run_as(executor, share, compute)
        await run_as(executor, share, lambda: time.sleep(0.05))
        executor.shutdown()

    on(1, steps)
    share.end_call()
    assert 0.02 <= share.call_seconds * AVERAGED_CALLS < 0.05


def test_a_company_that_has_all_of_its_threads_leaves_one_to_others() -> None:
    async def steps(executor: FairExecutor) -> None:
        shares, gate = Shares(), Gate()
        flood = [run_as(executor, shares.of("a"), gate) for _ in range(10)]
        await gate.is_entered(2)
        assert await asyncio.wait_for(run_as(executor, shares.of("b"), lambda: "b"), 10) == "b"
        gate.opened.set()
        await asyncio.gather(*flood)

    on(2, steps)


def test_the_next_thread_is_for_whoever_has_fewest() -> None:
    async def steps(executor: FairExecutor) -> None:
        shares, gate = Shares(), Gate()
        order: list[str] = []
        blocking = run_as(executor, shares.of("a"), gate)
        await gate.is_entered(1)
        flood = [run_as(executor, shares.of("a"), lambda: order.append("a")) for _ in range(5)]
        await asyncio.sleep(0)
        one = run_as(executor, shares.of("b"), lambda: order.append("b"))
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(blocking, one, *flood)
        assert order == ["b"] + ["a"] * 5

    on(1, steps, spare=0)


def test_who_leaves_gives_the_place_up() -> None:
    async def steps(executor: FairExecutor) -> None:
        share, gate, done = Shares().of("a"), Gate(), list[int]()
        blocking = run_as(executor, share, gate)
        await gate.is_entered(1)
        waiting = [run_as(executor, share, lambda number=number: done.append(number)) for number in range(3)]  # type: ignore[misc]
        await asyncio.sleep(0)
        waiting[1].cancel()
        with suppress(asyncio.CancelledError):
            await waiting[1]
        gate.opened.set()
        await asyncio.gather(blocking, waiting[0], waiting[2])
        assert done == [0, 2]

    on(1, steps)


def test_shutting_down_waits_for_what_was_submitted() -> None:
    done: list[int] = []

    async def steps(executor: FairExecutor) -> None:
        tasks = [run_as(executor, Shares().of("a"), lambda: done.append(1)) for _ in range(20)]
        await asyncio.sleep(0)
        executor.shutdown()
        await asyncio.gather(*tasks)

    on(2, steps)
    assert len(done) == 20
