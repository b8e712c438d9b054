"""Counts of tasks, by company, project and user: what a quota of tasks limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from schema.registry.database import Database
from schema.registry.tables import TASKS, Kind

Refusal = Callable[[int], Exception]  # makes what is raised, of how much is used


@dataclass(frozen=True)
class CountLimit:
    """The largest number of a company's documents of which a field (company, project or user) has a value."""

    company: str
    field: str
    value: str
    limit: int
    refusal: Refusal


class Counts(Database):
    """Counts of tasks."""

    async def count_tasks(self, company: str, field: str, value: str) -> int:
        """Return the number of a company's tasks of which a field (company, project or user) has a value."""
        return await self._read(lambda c: _count(c, TASKS, company, field, value))


def check_counts(connection: sa.Connection, kind: Kind, limits: Sequence[CountLimit]) -> None:
    """Raise the refusal of a limit that is reached. Until the transaction ends nobody else adds documents under it."""
    for limit in sorted(limits, key=lambda limit: (limit.field, limit.value)):  # in one order, against deadlocks
        if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
            lock = sa.func.hashtext(f"{kind.name} {limit.field} {limit.value}")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        used = _count(connection, kind, limit.company, limit.field, limit.value)
        if used >= limit.limit:
            raise limit.refusal(used)


def _count(connection: sa.Connection, kind: Kind, company: str, field: str, value: str) -> int:
    """Count a company's documents, public ones included."""
    rows = kind.rows.c
    has = [] if field == "company" else [rows[field] == value]
    own = sa.select(sa.func.count()).where(rows.company == company, *has)
    public = sa.select(sa.func.count()).where(rows.company == "", rows.company_origin == company, *has)
    return sum(int(connection.execute(query).scalar_one()) for query in (own, public))
