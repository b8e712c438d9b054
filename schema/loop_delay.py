"""How late the event loop is: what holds it up delays every request of the process."""

from __future__ import annotations

import asyncio

from schema.metrics import LOOP_DELAY

LOOK_SECONDS = 0.5


def watch_loop() -> None:
    """Measure the delay of the running loop as long as it runs. Call once in each process."""
    loop = asyncio.get_running_loop()
    _look(loop, loop.time())


def _look(loop: asyncio.AbstractEventLoop, due: float) -> None:
    """Measure how long after ``due`` (seconds of the loop's clock) this is called, and look again later."""
    now = loop.time()
    LOOP_DELAY.observe(max(0.0, now - due))
    loop.call_at(now + LOOK_SECONDS, _look, loop, now + LOOK_SECONDS)
