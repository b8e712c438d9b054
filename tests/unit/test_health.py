"""Readiness as a metric, which waits for no check that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from aiohttp import web

from schema.errors import Unavailable
from schema.http import health
from schema.http.health import Health, Probes

REQUEST = cast("web.Request", None)  # probes look at none


async def succeed() -> None:
    """A check of a service that answers."""


async def fail() -> None:
    raise Unavailable("away")


async def hang() -> None:
    await asyncio.Event().wait()


async def ready_of(probes: Probes) -> float:
    probes._metrics_until = 0.0
    answer: Any = await probes.metrics(REQUEST)
    (line,) = [line for line in answer.body.decode().splitlines() if line.startswith("eventide_ready ")]
    return float(line.split()[1])


@pytest.mark.parametrize(("check", "ready"), [(succeed, 1), (fail, 0), (hang, 0)])
def test_ready_is_what_readyz_says(
    monkeypatch: pytest.MonkeyPatch, check: Callable[[], Awaitable[None]], ready: int
) -> None:
    monkeypatch.setattr(health, "READY_SECONDS", 0.05)
    assert asyncio.run(ready_of(Probes(Health({"one": succeed, "other": check})))) == ready


def test_a_process_that_drains_is_not_ready() -> None:
    async def drain() -> list[float]:
        state = Health({"one": succeed})
        probes = Probes(state)
        before = await ready_of(probes)
        state.is_draining = True
        return [before, await ready_of(probes)]

    assert asyncio.run(drain()) == [1, 0]
