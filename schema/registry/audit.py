"""The audit log: who did what to whom, for as long as it is kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
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


class AuditEvents(Database):
    """Events in the order in which they were written."""

    async def add_audit_events(self, events: Sequence[AuditEvent], keep_days: int) -> None:
        """Store events, and delete those that are older than ``keep_days``."""
        oldest = int(time.time() * 1000) - keep_days * 86_400_000

        def insert(connection: sa.Connection) -> None:
            connection.execute(sa.delete(AUDIT).where(AUDIT.c.at_ms < oldest))
            connection.execute(sa.insert(AUDIT), [vars(event) for event in events])

        await self._write(insert)

    async def audit_events(
        self, company: str | None, *, user: str = "", names: Sequence[str] = (), limit: int = 100, offset: int = 0
    ) -> list[AuditEvent]:
        """Return events, newest first: of a company (None: of all), of a user or actor, and of these names."""
        query = sa.select(*[AUDIT.c[name] for name in AuditEvent.__dataclass_fields__])
        if company is not None:
            query = query.where(AUDIT.c.company == company)
        if user:
            query = query.where((AUDIT.c.user == user) | (AUDIT.c.actor == user))
        if names:
            query = query.where(AUDIT.c.event.in_(names))
        query = query.order_by(AUDIT.c.id.desc()).limit(limit).offset(offset)
        return await self._read(lambda c: [AuditEvent(*row) for row in c.execute(query)])
