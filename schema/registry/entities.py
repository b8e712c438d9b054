"""What reads and writes of events ask of the registry, thousands of times a second: cached for a second."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from schema.fairness.computing import compute_if
from schema.registry.documents import Documents
from schema.registry.listed import is_listed
from schema.registry.owner import Owner
from schema.registry.tables import Kind
from schema.tls_files import NO_FILES, TlsFiles

CACHE_SECONDS = 1.0
CACHED_ENTITIES = 50_000
MANY_ENTITIES = 1000  # from which on looking them up takes longer than a thread
LOCKED = ("publishing", "published")


@dataclass(frozen=True)
class Entity:
    """A task or model, as reads and writes of events need to know it."""

    id: str
    name: str
    status: str
    company: str
    storage_company: str
    is_locked: bool
    project: str = ""
    user: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The key of its events in the store: (storage company, id)."""
        return self.storage_company, self.id

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return Owner(self.company, self.user, self.project)


NOT_CACHED: tuple[float, Entity | None] = (0.0, None)


class Entities(Documents):
    """Look-ups of entities, cached.

    A change through this process is seen at once, one through another process within CACHE_SECONDS.
    """

    def __init__(self, url: str, tls: TlsFiles = NO_FILES) -> None:
        super().__init__(url, tls)
        self._entities: dict[tuple[str, str], tuple[float, Entity]] = {}

    async def entities(self, kind: Kind, ids: Iterable[str]) -> dict[str, Entity]:
        """Return the tasks or models that exist, by id; up to CACHE_SECONDS old."""
        now, wanted = time.monotonic(), set(ids)
        found, missing = await compute_if(len(wanted) >= MANY_ENTITIES, self._cached, kind, wanted, now)
        if missing:
            fresh = {entity.id: entity for entity in await self._read_entities(kind, missing)}
            self._remember(kind, fresh, now + CACHE_SECONDS)
            found |= fresh
        return found

    def _cached(self, kind: Kind, wanted: set[str], now: float) -> tuple[dict[str, Entity], set[str]]:
        """Return the entities that are cached, by id, and the ids of the others."""
        cached = {entity_id: self._entities.get((kind.name, entity_id), NOT_CACHED) for entity_id in wanted}
        found = {entity_id: entity for entity_id, (expires, entity) in cached.items() if entity and now < expires}
        return found, wanted - found.keys()

    async def _read_entities(self, kind: Kind, ids: set[str]) -> list[Entity]:
        rows = kind.rows.c
        status = rows.status if "status" in rows else sa.case((rows.ready, "published"), else_="created")
        owner = (rows.company, rows.company_origin, rows.project, rows.user)
        columns = (rows.id, rows.name, status.label("status"), *owner)
        query = sa.select(*columns)
        return await self._read(
            lambda c: [_entity(row) for row in c.execute(query.where(is_listed(c, rows.id, ids))).mappings()]
        )

    def _remember(self, kind: Kind, fresh: Mapping[str, Entity], expires: float) -> None:
        if len(self._entities) > CACHED_ENTITIES:
            self._entities.clear()
        self._entities.update({(kind.name, entity_id): (expires, entity) for entity_id, entity in fresh.items()})

    def _forget(self, kind: Kind, ids: Iterable[str]) -> None:
        for entity_id in ids:
            self._entities.pop((kind.name, entity_id), None)


def _entity(row: sa.RowMapping) -> Entity:
    company, status = row["company"], row["status"]
    storage = company or row["company_origin"] or ""
    is_locked, project, user = status in LOCKED, row["project"] or "", row["user"] or ""
    return Entity(row["id"], row["name"] or "", status, company, storage, is_locked, project, user)
