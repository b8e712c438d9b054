"""``query/logs/log_reader.py``: pages of a log whose lines were written again, or deleted, and not merged since."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from query.cache.entity_index import EntityIndexCache
from query.cache.page_ends import PageEndEstimator
from query.logs.log_reader import FEW_TIES, LogReader, Matches
from query.logs.text_search import indexed_sql
from query.pagination.log_page import EMPTY_LOG_PAGE, LogPage
from query.pagination.time_range import Direction, TimeRange
from schema.changefeed.changefeed import NoChangefeed
from schema.events.blocks import ROW_BITS
from schema.events.normalize import NO_TIMESTAMP
from schema.events.tables import INT64_MIN
from schema.registry import Entity
from schema.store import Store
from schema.store.tombstone_filters import OF_ENTITY_SQL

COUNT, TIMES = 60, 8
TASK = Entity("t", "name", "created", "c", "c", False)
AGAIN = Entity("again", "name", "created", "c", "c", False)  # each line TIMES times; the last say "new"
GONE = Entity("gone", "name", "created", "c", "c", False)  # the older half and the newest ones are deleted
LONG = Entity("long", "name", "created", "c", "c", False)  # dense, a gap, then one line in 1000 ms; some came late
PART = Entity("part", "name", "created", "c", "c", False)  # its newest lines were written again
TIED = Entity("tied", "name", "created", "c", "c", False)  # more than FEW_TIES share each timestamp
MIXED = Entity("mixed", "name", "created", "c", "c", False)  # two requests with the same timestamps
DELETED = (2 << ROW_BITS) - 1  # seq: all of the first request
Asked = tuple[int, Direction, int]  # size, direction, start
DIRECTIONS: tuple[Direction, ...] = ("DESC", "ASC")
DENSE = [*range(1, 601), *range(100_000, 160_000, 1000)]


@dataclass(frozen=True)
class Watched(LogReader):
    """Says which parts of a log were read, and of which pages without FINAL copies could be told apart."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    with_copy_of: list[bool] = field(default_factory=list)

    async def quick_page(self, span: TimeRange, size: int, with_copy_of: bool = True) -> LogPage | None:
        self.spans.append((span.low, span.high))
        self.with_copy_of.append(with_copy_of)
        return await super().quick_page(span, size, with_copy_of)


@pytest.fixture(scope="module")
def store(store: Store) -> Store:
    store.execute("SYSTEM STOP MERGES logs")
    store.insert("logs", rows(TASK, [number // 4 for number in range(COUNT)], 1))
    for time in range(TIMES):
        store.insert("logs", rows(AGAIN, range(COUNT), 1 + time, "new" if time == TIMES - 1 else "old"))
    store.insert("logs", rows(GONE, [*range(COUNT), *range(2 * COUNT, 3 * COUNT)], 1))
    store.insert("logs", rows(GONE, range(COUNT, 2 * COUNT), 2, "living"))
    store.insert("tombstones", tombstone())
    store.insert("logs", rows(LONG, DENSE[::2] + DENSE[:100:2], 1))
    store.insert("logs", rows(LONG, DENSE[1::2], 2, batch=1))
    store.insert("logs", rows(PART, range(COUNT), 1))
    store.insert("logs", rows(PART, range(COUNT), 2, only=range(COUNT // 2, COUNT)))
    store.insert("logs", rows(TIED, [1 + number // (2 * FEW_TIES) for number in range(6 * FEW_TIES)], 1))
    store.insert("logs", rows(MIXED, range(COUNT), 1))
    store.insert("logs", rows(MIXED, range(COUNT), 2, batch=1))
    return store


def rows(
    task: Entity,
    timestamps: Sequence[int],
    request: int,
    msg: str = "line",
    batch: int = 0,
    only: Sequence[int] | None = None,
) -> pa.Table:
    """Lines of one batch, as the ``request``-th of all brings them; ``only``: their places in it."""
    count = len(timestamps)
    texts = {"company": "c", "task": task.id, "metric": "", "variant": "", "discriminator": "a", "worker": ""}
    columns: dict[str, object] = {name: [text] * count for name, text in (texts | {"extras": "", "msg": msg}).items()}
    columns |= {"timestamp": list(timestamps), "batch_id": pa.array([bytes([batch] * 16)] * count, pa.binary(16))}
    columns |= {"line": pa.array(range(count), pa.uint32()), "iter": [0] * count, "has_iter": [False] * count}
    columns |= {"model_event": [False] * count, "level": ["info"] * count, "received_at": [1] * count}
    table = pa.table(columns | {"seq": pa.array((request << ROW_BITS) + np.arange(count), pa.uint64())})
    return table if only is None else table.take(list(only))


def tombstone() -> pa.Table:
    none = pa.array([[]], pa.list_(pa.string()))
    of = {"company": ["c"], "task": [GONE.id], "seq": pa.array([DELETED], pa.uint64()), "scope": ["events"]}
    return pa.table(of | {"through": [0], "include": none, "exclude": none, "deleted": [1], "received_at": [1]})


async def lines_of(store: Store, task: Entity) -> LogReader:
    return LogReader(store, task).living(await EntityIndexCache(store, NoChangefeed()).tombstone_filter(task))


def page(store: Store, task: Entity, size: int, direction: Direction, start: int = 0) -> LogPage:
    async def read() -> LogPage:
        lines, span = await lines_of(store, task), TimeRange.beyond(start, direction)
        return await lines.page(span, size, await lines.end(span, size))

    return asyncio.run(read())


def quick_page(store: Store, task: Entity, size: int, direction: Direction, start: int = 0) -> LogPage | None:
    async def read() -> LogPage | None:
        return await (await lines_of(store, task)).quick_page(TimeRange.beyond(start, direction), size)

    return asyncio.run(read())


def paced_pages(store: Store, task: Entity, asked: Sequence[Asked]) -> list[LogPage]:
    """Pages of one log, one after the other, each guessed from those before."""

    async def read() -> list[LogPage]:
        lines, paces = await lines_of(store, task), PageEndEstimator()
        return [await paces.page(lines, TimeRange.beyond(start, direction), size) for size, direction, start in asked]

    return asyncio.run(read())


def identities(lines: LogPage | None) -> list[tuple[int, int]] | None:
    """Of lines, by timestamp and seq."""
    return None if lines is None else list(zip(lines.times, lines.columns["seq"], strict=True))


def found(store: Store, task: Entity, size: int, condition: str) -> tuple[int | None, list[int]]:
    async def read() -> tuple[int | None, list[int]]:
        lines, span = (await lines_of(store, task)).where({"$filter": condition}), TimeRange.beyond(0, "DESC")
        matches = await lines.matches()
        return matches.count(), (await lines.matching_page(span, size, matches)).times

    return asyncio.run(read())


@pytest.mark.parametrize("size", [1, 5, 30, COUNT, COUNT + 1])
def test_a_page_is_full_however_often_its_lines_were_written(store: Store, size: int) -> None:
    newest = page(store, AGAIN, size, "DESC")
    assert newest.times == list(range(COUNT))[::-1][:size]
    assert set(newest.columns["msg"]) == {"new"}
    assert page(store, AGAIN, size, "ASC", start=19).times == list(range(20, COUNT))[:size]


@pytest.mark.parametrize("size", [1, 5, COUNT, 3 * COUNT])
def test_a_page_is_full_whatever_was_deleted_before_it(store: Store, size: int) -> None:
    living_ones = list(range(COUNT, 2 * COUNT))
    assert page(store, GONE, size, "DESC").times == living_ones[::-1][:size]
    assert page(store, GONE, size, "ASC").times == living_ones[:size]


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 4), (4, 4), (5, 8), (COUNT, COUNT)])
def test_lines_of_one_timestamp_are_on_one_page(store: Store, size: int, count: int) -> None:
    assert len(page(store, TASK, size, "DESC")) == len(page(store, TASK, size, "ASC")) == count


@pytest.mark.parametrize("task", [TASK, GONE, LONG])
@pytest.mark.parametrize("size", [0, 1, 5, 30, COUNT, 3 * COUNT, 2 * len(DENSE)])
@pytest.mark.parametrize("direction", ["DESC", "ASC"])
def test_a_page_without_final_is_the_same(store: Store, task: Entity, size: int, direction: Direction) -> None:
    for start in (0, 7, 300, 120_000):
        expected = identities(page(store, task, size, direction, start))
        assert identities(quick_page(store, task, size, direction, start)) == expected


def test_lines_that_were_written_again_are_left_to_final(store: Store) -> None:
    assert quick_page(store, AGAIN, 5, "DESC") is None
    assert quick_page(store, PART, 5, "DESC") is None
    assert (quick_page(store, PART, 5, "DESC", start=COUNT // 2) or EMPTY_LOG_PAGE).times == [29, 28, 27, 26, 25]


def test_many_lines_of_one_timestamp_are_left_to_final(store: Store) -> None:
    many = 2 * FEW_TIES
    assert quick_page(store, TIED, 1, "DESC") is None
    assert quick_page(store, TIED, many + 1, "DESC") is None
    assert (quick_page(store, TIED, many, "DESC") or EMPTY_LOG_PAGE).times == [3] * many
    assert len(quick_page(store, TIED, 3 * many, "DESC") or EMPTY_LOG_PAGE) == 3 * many


@pytest.mark.parametrize("task", [TASK, AGAIN, GONE, LONG, PART, TIED, MIXED])
@pytest.mark.parametrize("size", [1, 5, 50, 100])
def test_pages_whose_ends_are_guessed_are_the_same(store: Store, task: Entity, size: int) -> None:
    """From a dense part into a sparse one and back, over a gap, beyond both ends."""
    starts = (0, 0, 3, 590, 100_500, 158_000, 0, 130_000, 560, 0)
    asked = [(size, direction, start) for start in starts for direction in DIRECTIONS]
    expected = [identities(page(store, task, *one)) for one in asked]
    assert [identities(rows) for rows in paced_pages(store, task, asked)] == expected


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ([(20, "DESC", 0)], [(INT64_MIN, NO_TIMESTAMP - 1)]),
        ([(20, "DESC", 0)] * 2, [(INT64_MIN, NO_TIMESTAMP - 1), (120_997, NO_TIMESTAMP - 1)]),
        ([(20, "DESC", 0), (20, "DESC", 140_000)], [(INT64_MIN, NO_TIMESTAMP - 1), (101_996, 139_999)]),
        ([(20, "ASC", 100), (20, "ASC", 100)], [(101, NO_TIMESTAMP - 1), (101, 142)]),
        ([(20, "ASC", 100), (20, "DESC", 0)], [(101, NO_TIMESTAMP - 1), (INT64_MIN, NO_TIMESTAMP - 1)]),
        # too near: what lies beyond a gap, or beyond the end of the log
        ([(20, "ASC", 100), (20, "ASC", 590)], [(101, NO_TIMESTAMP - 1), (591, 632), (591, NO_TIMESTAMP - 1)]),
        ([(20, "ASC", 100), (20, "DESC", 9)], [(101, NO_TIMESTAMP - 1), (-33, 8), (INT64_MIN, 8)]),
    ],
)
def test_what_is_read_of_a_log_for_its_pages(store: Store, asked: list[Asked], read: list[tuple[int, int]]) -> None:
    async def spans() -> list[tuple[int, int]]:
        plain, paces = await lines_of(store, LONG), PageEndEstimator()
        lines = Watched(store, LONG, plain.texts, plain.parameters)
        for size, direction, start in asked:
            await paces.page(lines, TimeRange.beyond(start, direction), size)
        return lines.spans

    assert asyncio.run(spans()) == read


@pytest.mark.parametrize(
    ("task", "expected"),
    [(LONG, [False, False, True]), (MIXED, [False, True, True, True]), (AGAIN, [False, True, True, True])],
)
def test_copies_are_told_apart_where_there_may_be_some(store: Store, task: Entity, expected: list[bool]) -> None:
    """Two pages, and the newest: of lines of two requests with one timestamp each page but the first at once."""

    async def read() -> list[bool]:
        plain, paces = await lines_of(store, task), PageEndEstimator()
        lines = Watched(store, task, plain.texts, plain.parameters)
        for start in (30, 30, 0):
            await paces.page(lines, TimeRange.beyond(start, "DESC"), 10)
        return lines.with_copy_of

    assert asyncio.run(read()) == expected


def test_what_a_line_said_before_it_was_written_again_is_not_found(store: Store) -> None:
    assert found(store, AGAIN, 5, "msg = 'new'") == (COUNT, [59, 58, 57, 56, 55])
    assert found(store, AGAIN, 5, "msg = 'old'")[1] == []


def test_only_living_lines_are_found(store: Store) -> None:
    assert found(store, GONE, 3, "msg = 'line'") == (0, [])
    assert found(store, GONE, 3, "msg = 'living'") == (COUNT, [119, 118, 117])


@pytest.mark.parametrize("size", [1, 5, COUNT, COUNT + 1])
def test_a_page_of_what_is_found_is_full_however_often_it_was_written(store: Store, size: int) -> None:
    assert found(store, AGAIN, size, "level = 'info'") == (COUNT, list(range(COUNT))[::-1][:size])


def test_the_first_that_were_found_are_not_taken_for_all() -> None:
    keys = pa.table({"timestamp": [8, NO_TIMESTAMP, 9], "batch_id": ["a"] * 3, "line": [0, 1, 2]})
    span, some, every = TimeRange.beyond(0, "DESC"), Matches(keys, are_all=False), Matches(keys, are_all=True)
    first = every.within(span, 5)
    assert first is not None
    assert (first.to_pylist(), every.count()) == ([9, 8], 3)
    assert (some.within(span, 1), some.count()) == (None, None)


@pytest.mark.parametrize(("start", "direction"), [(INT64_MIN, "DESC"), (NO_TIMESTAMP, "ASC")])
def test_nothing_is_beyond_the_ends_of_time(store: Store, start: int, direction: Direction) -> None:
    assert page(store, TASK, 5, direction, start).times == []


def test_the_index_says_which_lines_may_hold_a_text(store: Store) -> None:
    """The condition is the index's own expression; a text that no line holds leaves nothing to be read."""

    def ranges(text: str) -> list[str]:
        condition, parameters = indexed_sql(text)
        sql = f"EXPLAIN indexes = 1 SELECT msg FROM logs WHERE {OF_ENTITY_SQL} AND {condition}"
        plan = store.select(sql, {"company": "c", "task": TASK.id, **parameters})
        lines = [row["explain"].strip() for row in plan]
        return lines[lines.index("Name: of_text") :]

    assert "Granules: 0/1" in ranges("nowhere to be found")
    assert "Granules: 1/1" in ranges("LINE")
