"""The audit log: who did what to whom, for as long as it is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from schema.registry.database import Database
from schema.registry.tables import AUDIT


@dataclass(frozen=True)
class AuditEvent:
    """One event. ``at_ms``: milliseconds since the epoch. ``actor``: who acted as the user, if somebody did."""

    at_ms: int
    company: str
    event: str
    user: str
    actor: str
    address: str
    client: str
    details: dict[str, Any]


@dataclass(frozen=True)
class AuditFilter:
    """Which events: of a company (None: all), of a user or actor, of names, from a time on, and before another (ms)."""

    company: str | None
    user: str = ""
    names: Sequence[str] = ()
    from_ms: int = 0
    before_ms: int = 0

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """Yield the conditions of a statement."""
        if self.company is not None:
            yield AUDIT.c.company == self.company
        if self.user:
            yield (AUDIT.c.user == self.user) | (AUDIT.c.actor == self.user)
        if self.names:
            yield AUDIT.c.event.in_(self.names)
        if self.from_ms:
            yield AUDIT.c.at_ms >= self.from_ms
        if self.before_ms:
            yield AUDIT.c.at_ms < self.before_ms


class AuditEvents(Database):
    """Events in the order in which they were written."""

    async def add_audit_events(self, events: Sequence[AuditEvent], keep_days: int) -> None:
        """Store events, and delete those that are older than ``keep_days``."""
        oldest = int(time.time() * 1000) - keep_days * 86_400_000

        def insert(connection: sa.Connection) -> None:
            connection.execute(sa.delete(AUDIT).where(AUDIT.c.at_ms < oldest))
            connection.execute(sa.insert(AUDIT), [vars(event) for event in events])

        await self._write(insert)

    async def audit_events(self, which: AuditFilter, *, limit: int = 100, offset: int = 0) -> list[AuditEvent]:
        """Return events, newest first."""
        query = sa.select(*[AUDIT.c[name] for name in AuditEvent.__dataclass_fields__]).where(*which.conditions())
        query = query.order_by(AUDIT.c.id.desc()).limit(limit).offset(offset)
        return await self._read(lambda c: [AuditEvent(*row) for row in c.execute(query)])

    async def audit_event_names(self, which: AuditFilter) -> list[str]:
        """Return the names that events have, in order."""
        query = sa.select(AUDIT.c.event).where(*which.conditions()).distinct().order_by(AUDIT.c.event)
        return await self._read(lambda c: list(c.execute(query).scalars()))
