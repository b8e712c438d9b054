"""``query/cache/entity_index.py``: what a process remembers of entities is what the store says, whatever is written."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ingest.writing import change_collector
from query.cache import entity_index
from query.cache.entity_index import EntityIndex
from query.sql.statements import MetricFilter
from query.sql.tombstones import newest_reset
from schema.events.blocks import ALL, EVENTS, LOGS, Scope
from schema.events.tables import SCALAR
from schema.registry import Entity
from tests.harness.cached_reads import TASKS, Written, writing
from tests.harness.events import Event, log, scalar

STATEMENTS = 3  # that read an entity: its number of rows, its tombstones, its index
LOSS = [MetricFilter(metric="loss"), MetricFilter(metric="lr", variants=["v1"])]


def as_told(facts: EntityIndex) -> tuple[set[tuple[Any, ...]], dict[str, list[tuple[Any, ...]]]]:
    """Facts that can be compared: neither their order says anything, nor what waits to be erased after a reset."""
    resets = {task: newest_reset(stones) for task, stones in facts.tombstones.items()}
    living = [row for row in facts.index if row.since_reset == resets[row.task]]
    index = {(*row[:8], *row.newest_label) for row in living}
    return index, {task: sorted((r["seq"], r["scope"]) for r in rows) for task, rows in facts.tombstones.items()}


def some_events(chance: random.Random) -> list[Event]:
    label = {"x_axis_label": chance.choice(["", "epoch", "step"])} if chance.random() < 0.2 else {}
    iters = [{"iter": chance.randrange(100)} if chance.random() < 0.8 else {} for _ in range(chance.randrange(1, 9))]
    return [
        scalar("", metric=chance.choice(["loss", "lr", "f1"]), variant=f"v{chance.randrange(3)}", **label, **place)
        if chance.random() < 0.8
        else log("", **place)
        for place in iters
    ]


async def asked_for(written: Written, *tasks: Entity) -> int:
    """How often the store is asked for what is known of them."""
    before = written.store.asked
    await written.remembering.caches.entity_index.of(tasks)
    return written.store.asked - before


@pytest.mark.parametrize("seed", range(3))
def test_what_is_remembered_is_what_is_stored(tmp_path: Path, seed: int) -> None:
    async def scenario() -> None:
        chance = random.Random(seed)
        async with writing(tmp_path) as written:
            for _ in range(80):
                task = chance.choice(TASKS)
                if chance.random() < 0.1:
                    await written.delete(task, chance.choice([EVENTS, LOGS, ALL]))
                else:
                    await written.write(task, *some_events(chance))
                tasks = chance.sample(TASKS, chance.randrange(1, 4))
                of: Sequence[Any] = chance.choice([([],), (LOSS,), (LOSS, SCALAR), ([], SCALAR)])
                told = [
                    await context.caches.entity_index.of(tasks, *of)
                    for context in (written.remembering, written.asking)
                ]
                assert as_told(told[0]) == as_told(told[1])
                assert await asked_for(written, *tasks) == 0

    asyncio.run(scenario())


def test_a_new_task_is_never_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], scalar("", iter=1))
            await written.write(TASKS[0], scalar("", iter=7))
            assert await asked_for(written, TASKS[0]) == 0
            facts = await written.remembering.caches.entity_index.of(TASKS[:1])
            assert [(row.low, row.high) for row in facts.index] == [(1, 7)]

    asyncio.run(scenario())


@pytest.mark.parametrize("scope", [EVENTS, LOGS, ALL])
def test_who_has_nothing_any_more_is_not_new(tmp_path: Path, scope: Scope) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], scalar("", iter=1))
            await written.delete(TASKS[0], scope)
            written.store.execute("TRUNCATE TABLE metric_index")  # as erasing it, in the background, may leave it
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], scalar("", iter=2))
            told = [
                await context.caches.entity_index.of(TASKS[:1]) for context in (written.remembering, written.asking)
            ]
            assert as_told(told[0]) == as_told(told[1])
            assert len(told[0].tombstones[TASKS[0].id]) == 1

    asyncio.run(scenario())


def test_what_is_written_while_it_is_read_is_not_missed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            reading = asyncio.create_task(written.remembering.caches.entity_index.of(TASKS[:1]))
            await asyncio.sleep(0)
            written.changefeed.apply(1, [TASKS[0].id])  # a write comes to its end
            await reading
            assert await asked_for(written, TASKS[0]) == STATEMENTS
            assert await asked_for(written, TASKS[0]) == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "limit",
    [
        ("budget of rows", ""),
        (entity_index, "MAX_ENTITY_ROWS"),
        (entity_index, "MAX_PENDING"),
        (change_collector, "MAX_CURVES"),
    ],
)
def test_what_is_too_much_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: tuple[Any, str]
) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.remembering.caches.entity_index.of(TASKS[:1])
            cache = written.remembering.caches.entity_index._entities
            monkeypatch.setattr(*((cache, "budget") if limit[0] == "budget of rows" else limit), 1)
            for place in range(2):
                await written.write(TASKS[0], scalar("", place, metric="a"), scalar("", place, metric="b"))
            is_large = limit[1] == "MAX_ENTITY_ROWS"  # which is known already: no rows are counted
            assert await asked_for(written, TASKS[0]) == (2 if is_large else STATEMENTS)
            told = [
                await context.caches.entity_index.of(TASKS[:1]) for context in (written.remembering, written.asking)
            ]
            assert as_told(told[0]) == as_told(told[1])

    asyncio.run(scenario())


@pytest.mark.parametrize(("limit", "asked_before"), [("MAX_ENTITY_ROWS", True), ("MAX_MISSING", False)])
def test_of_what_is_too_large_to_remember_a_part_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, asked_before: bool
) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            for task in TASKS:
                await written.delete(task, EVENTS)  # so that it is not new
                await written.write(task, scalar("", metric="loss"), scalar("", metric="other"))
            monkeypatch.setattr(entity_index, limit, 1)
            if asked_before:
                await written.remembering.caches.entity_index.of(TASKS)
            written.store.parameters.clear()
            found = await written.remembering.caches.entity_index.of(TASKS, LOSS)
            assert written.store.parameters["filter_metrics"] == ["loss", "lr"]
            assert as_told(found) == as_told(await written.asking.caches.entity_index.of(TASKS, LOSS))

    asyncio.run(scenario())


def test_who_is_not_the_only_writer_asks_each_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            for asked in (2, 4):
                await written.asking.caches.entity_index.of(TASKS)
                assert written.store.asked == asked
            assert await written.asking.caches.entity_index.tombstones(TASKS[0]) == []
            assert written.store.asked == 5

    asyncio.run(scenario())


def test_an_entity_of_too_many_rows_is_not_read_to_be_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], *(scalar("", metric=metric) for metric in ("loss", "lr", "f1")))
        monkeypatch.setattr(entity_index, "MAX_UNMERGED", 2)
        async with writing(tmp_path) as written:
            cache = written.remembering.caches.entity_index
            assert await cache.cached(TASKS[:1]) is None
            facts = await cache.of(TASKS[:1], LOSS)
            assert {row.metric for row in facts.index} == {"loss"}
            assert await cache.event_types(TASKS[0]) == {SCALAR}

    asyncio.run(scenario())
