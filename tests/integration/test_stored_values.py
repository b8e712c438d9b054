"""Latest values read from rows, compared with a calculation in plain Python over what was written."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from query.curves.stored_values import VALUES, CurvesExtent, StoredValues
from query.sql.tombstone_filter import TombstoneFilter
from schema.store import Store
from tests.harness.cached_reads import TASKS, writing
from tests.harness.events import ABSENT, Event, scalar

METRICS = ("dense", "sparse", "keyed", "without", "lost")


def events(iterations: int, seed: int) -> list[Event]:
    """Points of each kind of curve, some of them overwritten: also with keys, without iteration, without value."""
    chance = random.Random(seed)
    drawn = [scalar("", iter=n, metric="dense", value=chance.random()) for n in range(iterations)]
    drawn += [scalar("", iter=n, metric="sparse", value=chance.random()) for n in range(0, iterations, 7)]
    for key in "abc":
        drawn += [scalar("", iter=n, metric="keyed", value=chance.random(), key=key) for n in range(iterations)]
    drawn += [scalar("", iter=n, metric="without", value=chance.random()) for n in range(3)]
    drawn += [scalar("", iter=ABSENT, metric="without", value=chance.random())]
    drawn += [scalar("", iter=n, metric="lost", value=chance.choice([None, 0.5])) for n in range(iterations)]
    chance.shuffle(drawn)
    return drawn + [event | {"value": chance.random()} for event in chance.sample(drawn, 20)]


def expected(written: list[Event]) -> dict[str, tuple[float, float]]:
    """The last value of each metric and the mean of its last VALUES; of one iteration the first written is the last."""
    curves: dict[str, dict[tuple[Any, ...], tuple[int, float | None]]] = {}
    for place, event in enumerate(written):
        identity = event.get("iter"), event.get("key")
        curves.setdefault(event["metric"], {})[identity] = place, event["value"]
    return {metric: _last_and_mean(curve) for metric, curve in curves.items()}


def _last_and_mean(curve: dict[tuple[Any, ...], tuple[int, float | None]]) -> tuple[float, float]:
    valued = [(identity[0], place, value) for identity, (place, value) in curve.items() if value is not None]
    order = sorted(valued, key=lambda point: (point[0] is None, -(point[0] or 0), point[1]))
    values = [float(np.float32(value)) for _, _, value in order[:VALUES]]
    return values[0], sum(values) / len(values)


async def found(store: Store, extent: CurvesExtent, are_all: bool) -> dict[str, tuple[float, Any]]:
    """The same as read from rows; means are rounded as the order of adding them rounds."""
    stored = StoredValues(store, TombstoneFilter.after([], TASKS[0]))
    rows = await stored.latest([(metric, "v") for metric in METRICS], extent, are_all)
    assert len(rows) == len(METRICS)
    return {row["metric"]: (float(row["last"]), pytest.approx(float(row["mean"]))) for row in rows}


@pytest.mark.parametrize("iterations", [30, VALUES, 300, 2000])
def test_latest_values_are_those_of_the_greatest_iterations(tmp_path: Path, iterations: int) -> None:
    written, extent = events(iterations, seed=iterations), CurvesExtent(len(METRICS), iterations - 1, iterations - 1)

    async def scenario() -> None:
        async with writing(tmp_path) as opened:
            await opened.write(TASKS[0], *written)
            for are_all in (True, False):
                assert await found(opened.store, extent, are_all) == expected(written)

    asyncio.run(scenario())
