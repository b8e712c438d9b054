"""The metrics that tasks and models are known to have, where a quota limits their number: digests of their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from schema.registry.counts import Refusal
from schema.registry.database import Database, insert_if_new
from schema.registry.tables import METRIC_COUNTS, METRIC_NAMES, TASKS

NAMES_PER_STATEMENT = 10_000


@dataclass(frozen=True)
class NewMetrics:
    """Metrics that an entity is to have besides others. ``names``: 64-bit digests. ``limit``: how many it may have."""

    task: str
    names: frozenset[int]
    limit: int
    refusal: Refusal


class MetricNames(Database):
    """Names of metrics by entity."""

    async def add_metric_names(self, wanted: Sequence[NewMetrics]) -> None:
        """Store names that are not stored yet.

        Raises the refusal of an entity that would have more than its limit; then nothing is stored. Exact but for
        callers at the same time, each of whom may add as much.
        """
        new = [(metrics.task, await self._read(_checked(metrics))) for metrics in wanted]
        for task, names in new:
            for some in _portions(names):
                await self._write(_adding(task, some))

    async def forget_metric_names(self, tasks: Iterable[str]) -> None:
        """Remove the names of entities whose events are deleted."""
        wanted = list(tasks)
        counted = sa.select(METRIC_COUNTS.c.task).where(METRIC_COUNTS.c.task.in_(wanted))
        if found := await self._read(lambda c: list(c.execute(counted).scalars())):
            queries = [sa.delete(table).where(table.c.task.in_(found)) for table in (METRIC_NAMES, METRIC_COUNTS)]
            await self._write(lambda c: [c.execute(query) for query in queries])

    async def most_metrics(self, company: str, field: str, value: str) -> int:
        """Return the largest number of metrics among a company's tasks of which a field has a value."""
        query = sa.select(sa.func.max(METRIC_COUNTS.c.used)).join_from(
            METRIC_COUNTS, TASKS.rows, TASKS.rows.c.id == METRIC_COUNTS.c.task
        )
        query = query.where(TASKS.rows.c.company == company, TASKS.rows.c[field] == value)
        return await self._read(lambda c: int(c.execute(query).scalar() or 0))


def _checked(metrics: NewMetrics) -> Any:
    """Return the work that finds the names that are new. It raises the refusal if they are too many."""

    def find(connection: sa.Connection) -> list[int]:
        new = set(metrics.names)
        for some in _portions(sorted(new)):
            same = (METRIC_NAMES.c.task == metrics.task, METRIC_NAMES.c.name.in_(some))
            new -= set(connection.execute(sa.select(METRIC_NAMES.c.name).where(*same)).scalars())
        query = sa.select(METRIC_COUNTS.c.used).where(METRIC_COUNTS.c.task == metrics.task)
        used = connection.execute(query).scalar() or 0
        if new and used + len(new) > metrics.limit:
            raise metrics.refusal(used)
        return sorted(new)

    return find


def _adding(task: str, names: Sequence[int]) -> Any:
    """Return the work that stores names, some of which may be stored meanwhile, and counts them."""

    def add(connection: sa.Connection) -> None:
        dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        insert = dialect.insert(METRIC_NAMES).on_conflict_do_nothing()
        connection.execute(insert, [{"task": task, "name": name} for name in names])
        insert_if_new(connection, METRIC_COUNTS, {"task": task, "used": 0})
        used = sa.select(sa.func.count()).where(METRIC_NAMES.c.task == task).scalar_subquery()
        connection.execute(sa.update(METRIC_COUNTS).where(METRIC_COUNTS.c.task == task).values(used=used))

    return add


def _portions(names: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(names), NAMES_PER_STATEMENT):
        yield names[start : start + NAMES_PER_STATEMENT]
