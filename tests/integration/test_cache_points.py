"""``query/cache/points.py``: curves in memory are drawn as those of the store, whatever is written and deleted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from query.cache import points
from query.curves.histograms import MultiTaskScalarMetricsIterHistogram, read_curves
from query.curves.latest import latest_of
from query.sql.metric_names import ALL_METRICS
from schema.changefeed.change_batch import ChangeBatch, EntityKey
from schema.changefeed.points import CurveName, Points
from schema.errors import Unavailable
from schema.events.blocks import ALL, EVENTS
from schema.registry import Entity
from tests.harness.cached_reads import TASKS, Written, writing
from tests.harness.events import ABSENT, SINGLE_VALUE, Event, scalar

METRICS = ("loss", "lr", "f1")
THREE = Points(np.arange(3), np.ones(3, np.float32), 1)
Told = dict[tuple[str, str], dict[str, Any]]


async def drawn(context: Any, tasks: Sequence[Entity], **fields: Any) -> Told:
    """The points of each task's metrics."""
    request = MultiTaskScalarMetricsIterHistogram(tasks=[task.id for task in tasks], **fields)
    return {
        (curve.task, curve.metric): {name: np.array(points[name], float).tolist() for name in points if name != "name"}
        for curve, points in await read_curves(context, tasks, request)
    }


async def asked(written: Written, read: Callable[[Any], Any]) -> tuple[Any, int]:
    """What a reader that remembers tells, the same as one that asks; and how often the store was asked."""
    before = written.store.asked
    told = await read(written.remembering)
    count = written.store.asked - before
    assert told == close_to(await read(written.asking))
    return told, count


def close_to(told: Any) -> Any:
    """The same, but for the last digits of means."""
    if isinstance(told, dict):
        return {key: close_to(value) for key, value in told.items()}
    if isinstance(told, list):
        return [close_to(value) for value in told]
    return pytest.approx(told, nan_ok=True) if isinstance(told, float) else told


class History:
    """Curves as training writes them: mostly further points; and all else that can come."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next: dict[str, int] = {}

    def some(self, task: Entity) -> list[Event]:
        """A batch of a task."""
        events = [event for metric in METRICS if self._chance.random() < 0.7 for event in self._points(task, metric)]
        if self._chance.random() < 0.1:
            events.append(self._odd())
        if self._chance.random() < 0.1:
            self._chance.shuffle(events)
        return events or [scalar("", metric="lone", iter=0)]

    def _points(self, task: Entity, metric: str) -> list[Event]:
        first, count = self._next.get(task.id + metric, 0), self._chance.randrange(1, 60)
        self._next[task.id + metric] = first + count + self._chance.choice([0, 0, 3])
        return [scalar("", metric=metric, iter=first + n, value=self._chance.uniform(-9, 9)) for n in range(count)]

    def _odd(self) -> Event:
        others = [{"iter": 3}, {"iter": ABSENT}, {"iter": SINGLE_VALUE}, {"iter": 4, "key": "k"}]
        others += [{"iter": 5, "value": None}, {"iter": 10_000, "value": 1e300}]
        return scalar("", metric=self._chance.choice(METRICS), **self._chance.choice(others))

    def question(self) -> dict[str, Any]:
        """What may be asked of curves."""
        fields: dict[str, Any] = {
            "samples": self._chance.choice([5, 50, 2000]),
            "aggregation": self._chance.choice(["mean", "minmax", "last"]),
            "key": self._chance.choice(["iter", "iter", "iter", "timestamp"]),
        }
        if self._chance.random() < 0.3:
            fields |= {"x_min": self._chance.randrange(100), "x_max": self._chance.randrange(50, 400)}
        if self._chance.random() < 0.3:
            fields["metrics"] = [{"metric": "loss"}]
        return fields


def fail(*_: Any) -> None:
    """Fail, as a defect would."""
    raise RuntimeError("a defect")


async def write_at_last(written: Written, iters: range) -> None:
    """As a client does that tries again."""
    is_done = False
    while not is_done:
        with suppress(Unavailable):
            await written.write(TASKS[0], *(scalar("", iter=n, value=n) for n in iters))
            is_done = True
        await asyncio.sleep(0.1)


async def compare(written: Written, tasks: Sequence[Entity], question: dict[str, Any]) -> int:
    """What is drawn, and the latest values; returns how many of these questions the store was spared."""

    def curves(context: Any) -> Any:
        return drawn(context, tasks, **question)

    def latest(context: Any) -> Any:
        return latest_of(context, tasks[0], ALL_METRICS)

    return [(await asked(written, read))[1] for read in (curves, latest)].count(0)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_held_is_what_is_stored(tmp_path: Path, seed: int) -> None:
    async def scenario() -> None:
        chance, spared = random.Random(seed), 0
        history = History(chance)
        async with writing(tmp_path) as written:
            for _ in range(100):
                task = chance.choice(TASKS)
                if chance.random() < 0.05:
                    await written.delete(task, chance.choice([EVENTS, ALL]))
                else:
                    await written.write(task, *history.some(task))
                spared += await compare(written, chance.sample(TASKS, chance.randrange(1, 4)), history.question())
        assert spared > 20

    asyncio.run(scenario())


def test_what_was_read_once_is_held_and_goes_on(tmp_path: Path) -> None:
    """Not as of a curve that is new: it may have events without iteration, which its latest values would count."""

    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], *(scalar("", iter=n, value=n) for n in range(30)))
        async with writing(tmp_path) as written:
            assert await compare(written, TASKS[:1], {}) == 0
            assert await compare(written, TASKS[:1], {"samples": 7, "aggregation": "minmax"}) == 1
            await written.write(TASKS[0], *(scalar("", iter=n, value=n) for n in range(30, 60)))
            assert await compare(written, TASKS[:1], {"samples": 11}) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "batches",
    [[range(30, 60), range(30)], [range(30, 60), range(30), range(60, 90)], [range(0, 60, 2), range(1, 60, 2)]],
)
def test_batches_that_came_in_another_order_are_held_unless_they_overlap(tmp_path: Path, batches: list[range]) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            for batch in batches:
                await written.write(TASKS[0], *(scalar("", iter=n, value=n) for n in batch))
            spared = await compare(written, TASKS[:1], {"samples": 7})
            assert spared == (1 if batches[0].step == 1 else 0)

    asyncio.run(scenario())


@pytest.mark.parametrize(("held_points", "spared"), [(72, 2), (71, 0)])  # a curve gets an eighth
def test_what_is_too_much_is_read_again(tmp_path: Path, held_points: int, spared: int) -> None:
    async def scenario() -> None:
        async with writing(tmp_path, held_points) as written:
            for n in range(9):
                await written.write(TASKS[0], scalar("", iter=n, value=n))
            assert await compare(written, TASKS[:1], {}) == spared

    asyncio.run(scenario())


def test_the_curves_that_were_read_last_stay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path, held_points=8 * 4) as written:
            for task in TASKS[:3]:
                await written.write(task, *(scalar("", metric=f"m{m}", iter=n) for m in range(4) for n in range(3)))
                await compare(written, TASKS[:1], {})
            assert [await compare(written, [TASKS[number]], {}) for number in (0, 2, 1)] == [2, 2, 0]

    asyncio.run(scenario())


def test_many_writes_between_reads_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(points, "MAX_PENDING", 3)
        async with writing(tmp_path) as written:
            for n in range(9):
                await written.write(TASKS[0], scalar("", iter=n, value=n))
            assert await compare(written, TASKS[:1], {}) == 2

    asyncio.run(scenario())


def test_what_was_written_at_the_second_attempt_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            insert, tables = written.store.insert, list[str]()

            def insert_later(table: str, data: pa.Table) -> None:
                tables.append(table)
                if tables.count("metric_index") == 1 and table == "metric_index":
                    raise Unavailable("the disk is full")
                insert(table, data)

            monkeypatch.setattr(written.store, "insert", insert_later)
            with pytest.raises(Unavailable):
                await written.write(TASKS[0], *(scalar("", iter=n, value=n) for n in range(9)))
            await write_at_last(written, range(9, 18))
            assert tables.count("scalars") == 3
            assert await compare(written, TASKS[:1], {}) == 0
            assert await compare(written, TASKS[:1], {"samples": 5}) == 1

    asyncio.run(scenario())


def test_what_is_told_in_parts_is_one(tmp_path: Path) -> None:
    """As of a group that was written record by record: what came first of a new curve was no point."""

    async def scenario() -> None:
        async with writing(tmp_path) as written:
            context, key = written.remembering, TASKS[0].key
            parts: list[dict[EntityKey, dict[CurveName, Points | None]]] = [
                {key: {("a", "v"): None}},
                {key: {("a", "v"): THREE, ("b", "v"): THREE}},
            ]
            written.changefeed.apply(1, [TASKS[0].id], ChangeBatch(points=parts, created={key}))
            assert context.caches.points.get(key, ("a", "v")) is None
            assert context.caches.points.get(key, ("b", "v")) is THREE

    asyncio.run(scenario())


def test_of_a_deletion_and_a_write_that_come_together_nothing_is_held(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            context, key = written.remembering, TASKS[0].key
            await context.caches.entity_index.of(TASKS[:1])
            written.changefeed.apply(
                1, [TASKS[0].id], ChangeBatch(points=[{key: {("a", "v"): THREE}}], invalidated={key})
            )
            assert context.caches.points.get(key, ("a", "v")) is None

    asyncio.run(scenario())


def test_what_was_written_while_it_was_read_is_not_held(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            context, key = written.remembering, TASKS[0].key
            for is_written, held_points in ((True, None), (False, THREE)):
                writes = context.caches.points.versions([key])
                if is_written:
                    written.changefeed.apply(1, [TASKS[0].id])
                context.caches.points.keep({(key, ("a", "v")): THREE}, writes)
                assert context.caches.points.get(key, ("a", "v")) is held_points

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "defective", ["query.cache.points.PointCache.apply", "ingest.writing.change_collector.points_by_curve"]
)
def test_a_defect_of_who_remembers_keeps_nobody_from_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defective: str
) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], *(scalar("", iter=n, value=n) for n in range(9)))
            with monkeypatch.context() as patched:
                patched.setattr(defective, fail)
                await written.write(TASKS[0], *(scalar("", iter=n, value=n) for n in range(9, 18)))
            assert await compare(written, TASKS[:1], {}) == 0

    asyncio.run(scenario())


def test_wide_buckets_are_of_the_widths_that_roll_ups_have(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], *(scalar("", iter=n, value=n) for n in range(3001)))
            told = await drawn(written.remembering, TASKS[:1], samples=8, aggregation="minmax")
            assert told["task 0", "m"]["x"] == [0, 400, 800, 1200, 1600, 2000, 2400, 2800]
            assert await compare(written, TASKS[:1], {"samples": 8, "aggregation": "minmax"}) == 2

    asyncio.run(scenario())
