"""Counts of refused events in their task, so that a person sees that points are missing (API contract 2.7)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection
from functools import partial

from ingest.parsing.batch import Batch
from schema.errors import EventsError
from schema.registry import TASKS, Document, Registry

INTERVAL_SECONDS = 2.0  # between writes: each one replaces a document
MAX_TASKS = 10_000  # whose counts wait to be written; those of further tasks are given up
MAX_REASONS = 20  # of a task; others are counted together
MAX_REASON_CHARACTERS = 200
FIELD = "refused_events"
OTHER = "other reasons"

logger = logging.getLogger("eventide.refused")


class RefusedEvents:
    """Writes the counts in the background: ``refused_events`` of a task, by reason."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: dict[str, Counter[str]] = {}
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def record(self, batch: Batch, not_writable: Collection[str]) -> None:
        """Count the refused events of a batch that name a task, but for tasks that the caller may not write."""
        if not batch.failures:
            return
        tasks = {mention.id for mention in batch.entities.values() if not mention.is_model} - set(not_writable)
        for (task, reason), count in Counter(batch.failures).items():
            if task in tasks and (task in self._waiting or len(self._waiting) < MAX_TASKS):
                self._waiting.setdefault(task, Counter())[reason[:MAX_REASON_CHARACTERS]] += count
        self._wake.set()

    async def close(self) -> None:
        """Write what is waiting, then stop."""
        self._task.cancel()
        await self._write()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._write()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _write(self) -> None:
        """Write what is waiting; what cannot be written now is given up."""
        waiting, self._waiting = self._waiting, {}
        for task, counts in waiting.items():
            try:
                await self._registry.update(TASKS, task, partial(_with_counts, counts))
            except EventsError as error:
                logger.warning("refused events of a task are not counted: %s", error)


def _with_counts(counts: Counter[str], task: Document) -> Document:
    """Return a task with further refused events; the reasons that are most frequent stay apart."""
    total = Counter(task.get(FIELD) or {}) + counts
    other = total.pop(OTHER, 0)
    kept = dict(total.most_common(MAX_REASONS))
    other += total.total() - sum(kept.values())
    return task | {FIELD: kept | ({OTHER: other} if other else {})}
