"""What holds up the event loop is measured."""

from __future__ import annotations

import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from schema import loop_delay


def late_by(seconds: float) -> float:
    """How often the loop was late by more than so many seconds."""
    all_of = REGISTRY.get_sample_value("eventide_event_loop_delay_seconds_count") or 0.0
    fewer = REGISTRY.get_sample_value("eventide_event_loop_delay_seconds_bucket", {"le": str(seconds)}) or 0.0
    return all_of - fewer


def test_a_loop_that_is_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_delay, "LOOK_SECONDS", 0.01)

    async def hold_up() -> None:
        loop_delay.watch_loop()
        await asyncio.sleep(0.02)
        time.sleep(0.3)  # noqa: ASYNC251
        await asyncio.sleep(0.02)

    before = late_by(0.25)
    asyncio.run(hold_up())
    assert late_by(0.25) == before + 1
