"""``query/cache/rollup_coverage.py``: nobody looks for what roll-ups lack if they lacked nothing and nobody wrote
since."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ingest.rollups.builder import Rollups
from query.curves.histograms import MultiTaskScalarMetricsIterHistogram, read_curves
from tests.harness.cached_reads import TASKS, Written, writing
from tests.harness.events import scalar
from tests.harness.rolled_up import BOUNDS

TASK = TASKS[0]
LONG, SHORT = range(3000), range(10)
QUESTION: dict[str, Any] = {"samples": 5, "aggregation": "minmax"}


async def write(written: Written, metric: str, iters: range) -> None:
    await written.write(TASK, *(scalar("", metric=metric, iter=n, value=n % 7) for n in iters))


async def read(written: Written, **fields: Any) -> int:
    """How often the store was asked; the answer is that of who asks each time."""
    request = MultiTaskScalarMetricsIterHistogram(tasks=[TASK.id], **QUESTION | fields)
    before = written.store.asked
    found = await read_curves(written.remembering, [TASK], request)
    asked = written.store.asked - before
    expected = await read_curves(written.asking, [TASK], request)
    for (curve, points), (_, others) in zip(found, expected, strict=True):
        for name in others:
            assert points[name].tolist() == others[name].tolist(), (curve.metric, name)
    return asked


def test_what_roll_ups_lack_is_looked_for_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path, held_points=0) as written:
            await write(written, "loss", LONG)
            rollups = Rollups(written.store, bounds=BOUNDS)
            await asyncio.to_thread(rollups.roll, TASK.key)
            assert [await read(written) for _ in range(3)] == [3, 1, 1]  # marks, newer rows, roll-ups
            assert await read(written, x_min=1000, x_max=2500) == 1
            await write(written, "loss", range(2990, 3050))
            assert [await read(written) for _ in range(2)] == [3, 3]
            await asyncio.to_thread(rollups.roll, TASK.key)
            assert [await read(written) for _ in range(2)] == [3, 1]

    asyncio.run(scenario())


def test_while_a_long_curve_has_none_they_are_looked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path, held_points=0) as written:
            await write(written, "loss", LONG)
            assert [await read(written) for _ in range(2)] == [2, 2]  # marks, rows
            await write(written, "short", SHORT)
            rollups = Rollups(written.store, bounds=BOUNDS)
            await asyncio.to_thread(rollups.roll, TASK.key)
            assert [await read(written) for _ in range(2)] == [4, 2]  # and the rows of the short one

    asyncio.run(scenario())


def test_a_part_of_a_curve_says_nothing_of_the_rest(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path, held_points=0) as written:
            await write(written, "loss", LONG)
            await asyncio.to_thread(Rollups(written.store, bounds=BOUNDS).roll, TASK.key)
            await write(written, "loss", range(2990, 3050))
            for part in ({"x_max": 2000}, {"x_max": 2000}, {}):
                assert await read(written, **part) == 3

    asyncio.run(scenario())
