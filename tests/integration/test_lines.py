"""``query/lines.py``: pages of a log whose lines were written again, or deleted, and not merged since."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pyarrow as pa
import pytest

from query.lines import Direction, Lines, Matches, Rows, Span
from query.living import living
from schema.events import NO_TIMESTAMP
from schema.registry import Entity
from schema.store import Store
from schema.tables import INT64_MIN

COUNT, TIMES = 60, 8
TASK = Entity("t", "name", "created", "c", "c", False)
AGAIN = Entity("again", "name", "created", "c", "c", False)  # each line TIMES times; the last say "new"
GONE = Entity("gone", "name", "created", "c", "c", False)  # the older half and the newest ones are deleted
DELETED = 500  # seq


@pytest.fixture(scope="module")
def store(store: Store) -> Store:
    store.execute("SYSTEM STOP MERGES logs")
    store.insert("logs", rows(TASK, [number // 4 for number in range(COUNT)], 1))
    for time in range(TIMES):
        store.insert("logs", rows(AGAIN, range(COUNT), 1 + time * COUNT, "new" if time == TIMES - 1 else "old"))
    store.insert("logs", rows(GONE, [*range(COUNT), *range(2 * COUNT, 3 * COUNT)], 1))
    store.insert("logs", rows(GONE, range(COUNT, 2 * COUNT), DELETED + 1, "living"))
    store.insert("tombstones", tombstone())
    return store


def rows(task: Entity, timestamps: Sequence[int], first_seq: int, msg: str = "line") -> pa.Table:
    count = len(timestamps)
    texts = {"company": "c", "task": task.id, "metric": "", "variant": "", "discriminator": "a", "worker": ""}
    columns: dict[str, object] = {name: [text] * count for name, text in (texts | {"extras": "", "msg": msg}).items()}
    columns |= {"timestamp": list(timestamps), "batch_id": pa.array([bytes(16)] * count, pa.binary(16))}
    columns |= {"line": pa.array(range(count), pa.uint32()), "iter": [0] * count, "has_iter": [False] * count}
    columns |= {"model_event": [False] * count, "level": ["info"] * count, "received_at": [1] * count}
    return pa.table(columns | {"seq": pa.array(range(first_seq, first_seq + count), pa.uint64())})


def tombstone() -> pa.Table:
    none = pa.array([[]], pa.list_(pa.string()))
    of = {"company": ["c"], "task": [GONE.id], "seq": pa.array([DELETED], pa.uint64()), "scope": ["events"]}
    return pa.table(of | {"through": [0], "include": none, "exclude": none, "deleted": [1], "received_at": [1]})


async def lines_of(store: Store, task: Entity) -> Lines:
    return Lines(store, task).living(await living(store, task))


def page(store: Store, task: Entity, size: int, direction: Direction, start: int = 0) -> Rows:
    async def read() -> Rows:
        lines, span = await lines_of(store, task), Span.beyond(start, direction)
        return await lines.page(span, size, await lines.end(span, size))

    return asyncio.run(read())


def found(store: Store, task: Entity, size: int, condition: str) -> tuple[int | None, list[int]]:
    async def read() -> tuple[int | None, list[int]]:
        lines, span = (await lines_of(store, task)).where({"$filter": condition}), Span.beyond(0, "DESC")
        matches = await lines.matches()
        return matches.count(), times(await lines.matching_page(span, size, matches))

    return asyncio.run(read())


def times(lines: Rows) -> list[int]:
    return [line["timestamp"] for line in lines]


@pytest.mark.parametrize("size", [1, 5, 30, COUNT, COUNT + 1])
def test_a_page_is_full_however_often_its_lines_were_written(store: Store, size: int) -> None:
    newest = page(store, AGAIN, size, "DESC")
    assert times(newest) == list(range(COUNT))[::-1][:size]
    assert {line["msg"] for line in newest} == {"new"}
    assert times(page(store, AGAIN, size, "ASC", start=19)) == list(range(20, COUNT))[:size]


@pytest.mark.parametrize("size", [1, 5, COUNT, 3 * COUNT])
def test_a_page_is_full_whatever_was_deleted_before_it(store: Store, size: int) -> None:
    living_ones = list(range(COUNT, 2 * COUNT))
    assert times(page(store, GONE, size, "DESC")) == living_ones[::-1][:size]
    assert times(page(store, GONE, size, "ASC")) == living_ones[:size]


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 4), (4, 4), (5, 8), (COUNT, COUNT)])
def test_lines_of_one_timestamp_are_on_one_page(store: Store, size: int, count: int) -> None:
    assert len(page(store, TASK, size, "DESC")) == len(page(store, TASK, size, "ASC")) == count


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
    span, some, every = Span.beyond(0, "DESC"), Matches(keys, are_all=False), Matches(keys, are_all=True)
    first = every.within(span, 5)
    assert first is not None
    assert (first.to_pylist(), every.count()) == ([9, 8], 3)
    assert (some.within(span, 1), some.count()) == (None, None)


@pytest.mark.parametrize(("start", "direction"), [(INT64_MIN, "DESC"), (NO_TIMESTAMP, "ASC")])
def test_nothing_is_beyond_the_ends_of_time(store: Store, start: int, direction: Direction) -> None:
    assert page(store, TASK, 5, direction, start) == []
