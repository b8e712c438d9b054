"""``query/cache/log_tails.py``: the newest lines in memory are those of the store, whatever is written and deleted."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from query.cache import cached_log_tail
from query.logs.task_log import GetTaskLog, page_of
from query.pagination.paging import MAX_TIES
from schema.changefeed.change_batch import ChangeBatch
from schema.changefeed.log_tail import KEPT_LINES, LOG_LINE_SCHEMA, MAX_COUNTED_LINES, LogTail, join_log_tails
from schema.events.blocks import ALL, EVENTS, LOGS, Scope
from schema.events.normalize import ParseContext
from schema.events.tables import INT64_MAX, INT64_MIN
from schema.registry import Entity
from tests.harness.cached_reads import TASKS, Written, writing
from tests.harness.events import Event, log, scalar

TASK = TASKS[0]
LINES = LogTail(pa.Table.from_pylist([{"timestamp": 1, "seq": 1, "copy_of": 1}], LOG_LINE_SCHEMA))
Request = tuple[ParseContext, list[Event]]


def request(number: int, timestamps: Sequence[Any]) -> Request:
    """Lines as a client sends them; a number tells it apart from others."""
    digest, fresh = (hashlib.sha256(f"{what} {number}".encode()).digest()[:16] for what in ("request", "fresh"))
    context = ParseContext(now_ms=number, batch_id=digest, fresh_id=fresh)
    return context, [log("", f"line {place}", timestamp=time) for place, time in enumerate(timestamps)]


async def write(written: Written, *requests: Request, task: Entity = TASK) -> None:
    for context, events in requests:
        await written.write(task, *events, context=context)


async def asked(written: Written, size: int = 10, task: Entity = TASK, start: int = 0, earlier: bool = True) -> int:
    """How often the store is asked for a page, the newest unless said, which is the same as for who has no memory."""
    page = GetTaskLog(task=task.id, batch_size=size, from_timestamp=start, navigate_earlier=earlier)
    before = written.store.asked
    told = await page_of(written.remembering, task, page)
    count = written.store.asked - before
    assert told == await page_of(written.asking, task, page)
    return count


def limit(written: Written, monkeypatch: pytest.MonkeyPatch, max_bytes: int, share: int) -> None:
    tails = written.remembering.caches.log_tails._tails
    monkeypatch.setattr(tails, "share", share)
    monkeypatch.setattr(tails, "budget", max_bytes)


class History:
    """Requests as training makes them: mostly newer lines; and all else that can come."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._made: list[Request] = []
        self._now = 1000

    def some(self) -> Request:
        """A new one, or one that was made before."""
        if self._made and self._chance.random() < 0.1:
            return self._chance.choice(self._made)
        self._made.append(request(len(self._made) + 1, [self._time() for _ in range(self._chance.randrange(1, 30))]))
        return self._made[-1]

    def many(self) -> Request:
        """More than are counted."""
        self._made.append(request(len(self._made) + 1, range(self._now, self._now + MAX_COUNTED_LINES + 50)))
        self._now += MAX_COUNTED_LINES + 50
        return self._made[-1]

    def start(self, chance: random.Random) -> int:
        """Where a page may start: nowhere, near the end of the log, or anywhere."""
        return chance.choice([0, self._now - chance.randrange(100), chance.randrange(900, self._now)])

    def _time(self) -> int | None:
        self._now += self._chance.choice([0, 1, 1, 5])
        return self._chance.choice([self._now] * 20 + [None, self._now - 20, self._now - 300, 0])


@pytest.mark.parametrize("seed", range(4))
def test_what_is_held_is_what_is_stored(tmp_path: Path, seed: int) -> None:
    async def scenario() -> None:
        chance = random.Random(seed)
        history, spared = History(chance), 0
        of_pages, spared_elsewhere = random.Random(seed), 0
        async with writing(tmp_path) as written:
            await write(written, history.many() if seed % 2 else history.some())
            for _ in range(60):
                if chance.random() < 0.05:
                    await written.delete(TASK, chance.choice([EVENTS, LOGS, ALL]))
                await write(written, *(history.some() for _ in range(chance.randrange(3))))
                spared += await asked(written, chance.choice([0, 1, 3, 10, 50])) == 0
                size, start, earlier = of_pages.choice([0, 1, 10]), history.start(of_pages), of_pages.random() < 0.5
                spared_elsewhere += await asked(written, size, TASK, start, earlier) == 0
            assert spared > 20
            assert spared_elsewhere > 10

    asyncio.run(scenario())


@pytest.mark.parametrize("count", [20, MAX_COUNTED_LINES + 20])
@pytest.mark.parametrize("size", [1, 5, 30])
def test_pages_before_and_after_a_time_are_held_as_far_as_lines_are(tmp_path: Path, count: int, size: int) -> None:
    """A console that follows a log asks for what is newer than what it shows, one that scrolls for what is older."""

    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(1, [*range(1000, 1000 + count), None, None]))
            assert await asked(written, size, start=1000 + count - 11, earlier=False) == 0
            assert await asked(written, size, start=1000 + count - 11) == 0
            is_all = count < MAX_COUNTED_LINES
            assert (await asked(written, size, start=1005, earlier=False) == 0) == is_all
            assert (await asked(written, size, start=1005) == 0) == is_all
            assert (await asked(written, size, earlier=False) == 0) == is_all
            for start in (INT64_MIN, INT64_MAX):
                await asked(written, size, start=start)
                await asked(written, size, start=start, earlier=False)

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5])
def test_lines_of_one_timestamp_stay_together_in_the_order_in_which_they_were_written(
    tmp_path: Path, size: int
) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(1, [5, 6, 6]), request(2, [6, 7, 5]))
            for start in range(4, 9):
                assert await asked(written, size, start=start) == 0
                assert await asked(written, size, start=start, earlier=False) == 0

    asyncio.run(scenario())


def test_a_new_log_is_never_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASK, scalar(""))
            for number in range(3):
                await write(written, request(number, range(number * 5, number * 5 + 5)))
                assert await asked(written) == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("count", [100, MAX_COUNTED_LINES + 100])
def test_a_log_that_was_read_goes_on(tmp_path: Path, count: int) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(1, range(count)))
        async with writing(tmp_path) as written:
            assert await asked(written) > 0
            await write(written, request(2, [count + 200]))
            assert await asked(written) == 0
            assert await asked(written, 12) > 0

    asyncio.run(scenario())


def test_of_a_long_log_little_is_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(1, range(2 * KEPT_LINES)))
            assert await asked(written, 2 * KEPT_LINES) == 0
            await write(written, request(2, [2 * KEPT_LINES]))
            assert await asked(written, KEPT_LINES) == 0
            assert await asked(written, KEPT_LINES + 1) > 0

    asyncio.run(scenario())


def test_more_lines_of_one_timestamp_than_an_answer_takes_are_not_held(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(1, [7] * (MAX_TIES + 50)))
            assert [await asked(written, size) > 0 for size in (5, 8)] == [True, True]

    asyncio.run(scenario())


@pytest.mark.parametrize("scope", [EVENTS, LOGS, ALL])
def test_a_log_of_which_something_was_deleted_is_read_again(tmp_path: Path, scope: Scope) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(1, [1, 2, 3]))
            await written.delete(TASK, scope)
            await write(written, request(2, [4]))
            assert await asked(written) > 0
            assert await asked(written) == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("together", [True, False])
def test_a_line_that_was_written_again_is_there_once(tmp_path: Path, together: bool) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(0, [0]))
            twice = request(1, [1, 2, 3])
            if together:
                await asyncio.gather(write(written, twice), write(written, twice))
            else:
                await write(written, twice, twice)
            assert await asked(written) > 0
            assert await asked(written) == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(("count", "are_counted"), [(100, True), (MAX_COUNTED_LINES + 100, False)])
def test_older_lines_that_may_be_there_already_are_counted_by_the_store(
    tmp_path: Path, count: int, are_counted: bool
) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(1, range(10)), request(2, range(10, count)))
        async with writing(tmp_path) as written:
            await asked(written)
            await write(written, request(1, range(10)))
            assert (await asked(written) > 0) == are_counted

    asyncio.run(scenario())


def test_what_is_told_in_parts_is_one(tmp_path: Path) -> None:
    """As of a group that was written record by record: a line came twice in the first part, or the log is not new."""

    async def scenario() -> None:
        async with writing(tmp_path) as written:
            key = TASK.key
            written.changefeed.apply(1, [TASK.id], ChangeBatch(log_tails=[{key: None}, {key: LINES}], created={key}))
            assert await asked(written) > 0
            written.changefeed.apply(2, [TASK.id], ChangeBatch(log_tails=[{key: LINES}], invalidated={key}))
            assert await asked(written) > 0
            assert await asked(written) == 0
            written.changefeed.apply(3, [TASK.id], ChangeBatch(log_tails=[{key: None}]))
            assert await asked(written) > 0

    asyncio.run(scenario())


def test_what_is_written_while_it_is_read_is_not_missed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await write(written, request(1, range(3)))
        async with writing(tmp_path) as written:
            reading = asyncio.create_task(asked(written))
            await asyncio.sleep(0)
            written.changefeed.apply(1, [TASK.id])  # a write comes to its end
            await reading
            assert await asked(written) > 0
            assert await asked(written) == 0

    asyncio.run(scenario())


def test_what_is_too_much_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            for task in TASKS:
                await write(written, request(1, range(100)), task=task)
                assert await asked(written, task=task) == 0
            limit(written, monkeypatch, 20_000, 1)
            await write(written, request(2, [1000]), task=TASKS[-1])
            assert [await asked(written, task=task) > 0 for task in reversed(TASKS)] == [False, True, True, True]

    asyncio.run(scenario())


def test_a_log_that_is_too_much_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            limit(written, monkeypatch, 1_000_000, 1000)
            await write(written, request(1, range(100)))
            assert [await asked(written, 100) > 0 for _ in range(2)] == [True, True]
            await write(written, request(2, [200]), task=TASKS[1])
            assert await asked(written, task=TASKS[1]) == 0
            await write(written, request(3, range(100)), task=TASKS[1])
            assert [await asked(written, 100, TASKS[1]) > 0 for _ in range(2)] == [True, True]

    asyncio.run(scenario())


def test_writes_that_nobody_reads_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        joins: list[int] = []

        def join(parts: Sequence[LogTail]) -> LogTail | None:
            joins.append(len(parts))
            return join_log_tails(parts)

        monkeypatch.setattr(cached_log_tail, "MAX_PENDING", 3)
        monkeypatch.setattr(cached_log_tail, "join_log_tails", join)
        async with writing(tmp_path) as written:
            for number in range(10):
                await write(written, request(number, [number]))
            assert joins == [4, 4, 4]
            assert await asked(written, 20) == 0

    asyncio.run(scenario())
