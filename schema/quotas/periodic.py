"""Work that is repeated in the background until it is closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from schema.errors import EventsError

logger = logging.getLogger("eventide.quotas")


class Periodic:
    """Calls ``work`` every ``seconds``. What fails is tried again then, and logged once until it succeeds."""

    def __init__(self, work: Callable[[], Awaitable[None]], seconds: float, failure: str) -> None:
        self._work = work
        self._seconds = seconds
        self._failure = failure
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first call comes after ``seconds``."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Wait for a call under way, and make no more."""
        self._closing.set()
        if self._task:
            await self._task

    async def _run(self) -> None:
        is_failing = False
        while not await self._is_closing():
            try:
                await self._work()
                is_failing = False
            except EventsError as error:
                if not is_failing:
                    logger.warning("%s: %s", self._failure, error)
                is_failing = True

    async def _is_closing(self) -> bool:
        """Wait until the next call, or until it is closed."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), self._seconds)
        return self._closing.is_set()
