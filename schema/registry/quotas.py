"""Quotas, and how much of them is used, as all processes on one registry share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from schema.registry.database import Database, insert_if_new
from schema.registry.tables import COMPANIES, QUOTA_USAGE, QUOTAS

# Seconds since the epoch by the database's clock: those of the processes may differ.
NOW = sa.cast(sa.extract("epoch", sa.func.current_timestamp()), sa.BigInteger)


@dataclass(frozen=True)
class Quota:
    """A limit of one kind. ``scope``: company, project or user; ``scope_id``: its id."""

    company: str
    scope: str
    scope_id: str
    kind: str
    limit: int


class UsageKey(NamedTuple):
    """What a number of usage is of. ``part``: the day or the process that it is of; empty: neither."""

    kind: str
    scope: str
    scope_id: str
    part: str = ""


@dataclass(frozen=True)
class UsageChange:
    """A new number of usage, or an amount that is added to the one before.

    ``keep_seconds``: for how long it counts; None: until it is changed again.
    """

    key: UsageKey
    amount: int
    is_added: bool
    keep_seconds: int | None = None


class Quotas(Database):
    """Limits and usage."""

    async def quotas(self, company: str | None = None) -> list[Quota]:
        """Return all limits, or those of a company."""
        query = sa.select(*[QUOTAS.c[name] for name in Quota.__dataclass_fields__])
        query = query.order_by(QUOTAS.c.company, QUOTAS.c.scope, QUOTAS.c.scope_id, QUOTAS.c.kind)
        if company is not None:
            query = query.where(QUOTAS.c.company == company)
        return await self._read(lambda c: [Quota(*row) for row in c.execute(query)])

    async def set_quota(self, quota: Quota) -> None:
        """Set a limit, in place of the one before."""
        same = _same(QUOTAS, {"scope": quota.scope, "scope_id": quota.scope_id, "kind": quota.kind})

        def replace(connection: sa.Connection) -> None:
            connection.execute(sa.delete(QUOTAS).where(*same))
            connection.execute(sa.insert(QUOTAS).values(vars(quota)))

        await self._write(replace)

    async def unset_quota(self, scope: str, scope_id: str, kind: str) -> bool:
        """Remove a limit; return whether there was one."""
        same = _same(QUOTAS, {"scope": scope, "scope_id": scope_id, "kind": kind})
        return await self._write(lambda c: c.execute(sa.delete(QUOTAS).where(*same)).rowcount > 0)

    async def company_names(self, ids: Iterable[str] | None = None) -> dict[str, str]:
        """Return the names of companies, by id; None: of all."""
        query = sa.select(COMPANIES.c.id, COMPANIES.c.name)
        if ids is not None:
            query = query.where(COMPANIES.c.id.in_(set(ids)))
        return await self._read(lambda c: {row.id: row.name for row in c.execute(query)})

    async def usage(self) -> dict[UsageKey, int]:
        """Return all numbers that count."""
        return await self._read(_usage)

    async def change_usage(self, changes: Sequence[UsageChange]) -> dict[UsageKey, int]:
        """Change some numbers, and return all; those that count no more are removed."""

        def change(connection: sa.Connection) -> dict[UsageKey, int]:
            connection.execute(sa.delete(QUOTA_USAGE).where(QUOTA_USAGE.c.expires_at <= NOW))
            for one in sorted(changes, key=lambda one: one.key):  # in one order: two processes do not block each other
                _store(connection, one)
            return _usage(connection)

        return await self._write(change)


def _usage(connection: sa.Connection) -> dict[UsageKey, int]:
    columns = [QUOTA_USAGE.c[name] for name in (*UsageKey._fields, "used")]
    is_valid = sa.or_(QUOTA_USAGE.c.expires_at.is_(None), QUOTA_USAGE.c.expires_at > NOW)
    return {UsageKey(*row[:-1]): row[-1] for row in connection.execute(sa.select(*columns).where(is_valid))}


def _store(connection: sa.Connection, change: UsageChange) -> None:
    key = change.key._asdict()
    insert_if_new(connection, QUOTA_USAGE, {**key, "used": 0})
    used = QUOTA_USAGE.c.used + change.amount if change.is_added else change.amount
    expires_at = None if change.keep_seconds is None else NOW + change.keep_seconds
    update = sa.update(QUOTA_USAGE).where(*_same(QUOTA_USAGE, key))
    connection.execute(update.values(used=used, expires_at=expires_at))


def _same(table: sa.Table, key: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]
