"""A measurement of topics that a gateway takes every few seconds, for its metrics."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import ClassVar

from ingest.kafka.lag import LagReader
from schema.errors import Unavailable


class Measurement(ABC):
    """Measures at once, and every ``seconds``, until it is closed. What cannot be measured is forgotten, and logged.

    ``what``: is measured, for those who read logs. ``logger``: of the measurement.
    """

    seconds: ClassVar[float]
    what: ClassVar[str]
    logger: ClassVar[logging.Logger]

    def __init__(self, reader: LagReader) -> None:
        self._reader = reader
        self._task = asyncio.create_task(self._run())

    async def check_alive(self) -> None:
        """Raise Unavailable if the task that measures has ended, which is a defect."""
        if self._task.done():
            raise Unavailable(f"No longer measured: {self.what}")

    async def close(self) -> None:
        """Stop measuring and disconnect."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._reader.close()

    @abstractmethod
    async def measure(self) -> None:
        """Measure once. Raises Unavailable."""

    @abstractmethod
    def forget(self) -> None:
        """Have the metrics say that nothing is known."""

    async def _run(self) -> None:
        while True:
            try:
                await self.measure()
            except Unavailable as error:
                self.logger.warning("it is not known %s: %s", self.what, error)
                self.forget()
            await asyncio.sleep(self.seconds)
