"""``query/known.py``: what a process remembers of entities is what the store says, whatever is written and deleted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ingest.local.journal import Journal
from ingest.local.log import LocalLog
from query import known as known_module
from query.known import Facts, Known
from query.rows import MetricFilter
from query.tombstones import newest_reset
from schema.batches import read_events
from schema.blocks import ALL, EVENTS, LOGS, Block, Deletion, Scope
from schema.changes import Changes
from schema.events import Context
from schema.migrate import migrate
from schema.registry import Entity
from schema.store import EmbeddedEngine, Row, Store
from schema.tables import SCALAR
from tests.harness.events import Event, log, scalar

CONTEXT = Context(now_ms=1, batch_id=b"b" * 16, fresh_id=b"f" * 16)
TASKS = [Entity(f"task {n}", "", "created", "", f"company {n % 2}", False) for n in range(4)]
LOSS = [MetricFilter(metric="loss"), MetricFilter(metric="lr", variants=["v1"])]


class CountingStore(Store):
    """A store that knows how often it was asked."""

    reads = 0

    async def read(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        self.reads += 1
        return await super().read(sql, parameters)


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[CountingStore]:
    """An empty store."""
    store = CountingStore(EmbeddedEngine(tmp_path / "chdb"), 2)
    migrate(store)
    yield store
    store.close()


class Written:
    """A log, and what is remembered of what goes through it."""

    def __init__(self, store: CountingStore, log: LocalLog, changes: Changes) -> None:
        self.store = store
        self.log = log
        self.changes = changes
        self.known = Known(store, changes)

    async def write(self, task: Entity, *events: Event) -> None:
        """Returns once it can be read."""
        batch = read_events([event | {"task": task.id} for event in events], CONTEXT)
        blocks = [Block(task.storage_company, name, 1, rows) for name, rows in batch.columns.items()]
        await self.log.publish(blocks, True)

    async def delete(self, task: Entity, scope: Scope) -> None:
        await self.log.delete(Deletion(task.storage_company, task.id, scope, 1))

    async def reads_of(self, *tasks: Entity) -> int:
        """How often the store is asked for what is known of them."""
        before = self.store.reads
        await self.known.of(tasks)
        return self.store.reads - before


@asynccontextmanager
async def writing(store: CountingStore, directory: Path) -> AsyncIterator[Written]:
    changes = Changes()
    log = LocalLog(store, Journal(directory / "journal.sqlite"), changes)
    written = Written(store, log, changes)
    try:
        yield written
    finally:
        written.known.close()
        await log.close()


def as_told(facts: Facts) -> tuple[set[tuple[Any, ...]], dict[str, list[tuple[Any, ...]]]]:
    """Facts that can be compared: neither their order says anything, nor what waits to be erased after a reset."""
    resets = {task: newest_reset(stones) for task, stones in facts.tombstones.items()}
    living = [row for row in facts.index if row.since_reset == resets[row.task]]
    index = {(*row[:8], row.newest_label["seq"], row.label) for row in living}
    return index, {task: sorted((r["seq"], r["scope"]) for r in rows) for task, rows in facts.tombstones.items()}


def some_events(chance: random.Random) -> list[Event]:
    label = {"x_axis_label": f"label {chance.randrange(9)}"} if chance.random() < 0.2 else {}
    iters = [{"iter": chance.randrange(100)} if chance.random() < 0.8 else {} for _ in range(chance.randrange(1, 9))]
    return [
        scalar("", metric=chance.choice(["loss", "lr", "f1"]), variant=f"v{chance.randrange(3)}", **label, **place)
        if chance.random() < 0.8
        else log("", **place)
        for place in iters
    ]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_remembered_is_what_is_stored(counting: CountingStore, tmp_path: Path, seed: int) -> None:
    async def scenario() -> None:
        chance, stored = random.Random(seed), Known(counting)
        async with writing(counting, tmp_path) as written:
            for _ in range(80):
                task = chance.choice(TASKS)
                if chance.random() < 0.1:
                    await written.delete(task, chance.choice([EVENTS, LOGS, ALL]))
                else:
                    await written.write(task, *some_events(chance))
                tasks = chance.sample(TASKS, chance.randrange(1, 4))
                of: Sequence[Any] = chance.choice([([],), (LOSS,), (LOSS, SCALAR), ([], SCALAR)])
                assert as_told(await written.known.of(tasks, *of)) == as_told(await stored.of(tasks, *of))
                assert await written.reads_of(*tasks) == 0

    asyncio.run(scenario())


def test_a_new_task_is_known_after_its_first_write(counting: CountingStore, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(counting, tmp_path) as written:
            await written.write(TASKS[0], scalar("", iter=1))
            await asyncio.gather(*written.known._looking)
            await written.write(TASKS[0], scalar("", iter=7))
            assert await written.reads_of(TASKS[0]) == 0
            assert [(row.low, row.high) for row in (await written.known.of(TASKS[:1])).index] == [(1, 7)]

    asyncio.run(scenario())


def test_what_is_written_while_it_is_read_is_not_missed(counting: CountingStore, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(counting, tmp_path) as written:
            await written.known.of(TASKS[:1])
            await written.delete(TASKS[0], EVENTS)  # so that it is not known any more
            reading = asyncio.create_task(written.known.of(TASKS[:1]))
            await asyncio.sleep(0)
            written.changes.apply(1, [TASKS[0].id])  # a write comes to its end
            await reading
            assert await written.reads_of(TASKS[0]) == 2
            assert await written.reads_of(TASKS[0]) == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("limit", ["MAX_ROWS", "MAX_ENTITY_ROWS", "MAX_NEWS_ROWS", "MAX_PENDING"])
def test_what_is_too_much_is_asked_for_again(
    counting: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    async def scenario() -> None:
        async with writing(counting, tmp_path) as written:
            await written.known.of(TASKS[:1])
            monkeypatch.setattr(known_module, limit, 1)
            for place in range(2):
                await written.write(TASKS[0], scalar("", metric=f"a {place}"), scalar("", metric=f"b {place}"))
            assert await written.reads_of(TASKS[0]) == 2
            assert as_told(await written.known.of(TASKS[:1])) == as_told(await Known(counting).of(TASKS[:1]))

    asyncio.run(scenario())


def test_who_is_not_the_only_writer_asks_each_time(counting: CountingStore) -> None:
    async def scenario() -> None:
        known = Known(counting)
        for asked in (2, 4):
            await known.of(TASKS)
            assert counting.reads == asked
        assert await known.tombstones(TASKS[0]) == []
        assert counting.reads == 5

    asyncio.run(scenario())
