"""The context of every read: the store, the registry, cursors, caches; and the entities that a caller may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from query.cache.read_caches import ReadCaches
from query.pagination.cursor import Cursors
from schema.api.told_ids import told_ids
from schema.api.visibility import may_see
from schema.api.wire import Caller
from schema.changefeed.changefeed import Changefeed
from schema.errors import InvalidModel, InvalidTask
from schema.fairness.computing import compute_if
from schema.registry import MANY_ENTITIES, MODELS, TASKS, Entity, Registry
from schema.store import Store


@dataclass(frozen=True)
class QueryContext:
    """The dependencies of the families of endpoints.

    It knows none of them; ``query/services.py`` binds them to it.
    """

    store: Store
    registry: Registry
    cursors: Cursors
    changefeed: Changefeed
    caches: ReadCaches

    async def entity(self, caller: Caller, entity_id: str, is_model: bool = False) -> Entity:
        """Return a task or model that the caller may see. Raises InvalidTask or InvalidModel (API contract 3.0.1)."""
        return (await self.entities(caller, [entity_id], is_model))[0]

    async def entities(self, caller: Caller, ids: Sequence[str], is_model: bool = False) -> list[Entity]:
        """Return the distinct entities in the order of ``ids``: the caller's own and public ones.

        Reads of them see what was acknowledged. Raises InvalidTask or InvalidModel if any is missing (API contract
        3.0.1).
        """
        await self.wait_until_readable(ids)
        found = await self.registry.entities(MODELS if is_model else TASKS, ids)
        visible, missing = await compute_if(len(ids) >= MANY_ENTITIES, _visible, caller, ids, found)
        if missing:
            kind, error = ("model", InvalidModel) if is_model else ("task", InvalidTask)
            raise error(f"Invalid {kind} id {told_ids(missing)}")
        return visible

    async def wait_until_readable(self, ids: Iterable[str]) -> None:
        """Return once reads see what was acknowledged of these entities; at once while the store takes nothing."""
        await self.changefeed.wait_until_readable(ids)


def _visible(caller: Caller, ids: Sequence[str], found: Mapping[str, Entity]) -> tuple[list[Entity], Collection[str]]:
    """Return the distinct entities that the caller may see, and the ids of others, each in the order of ``ids``."""
    visible = {i: found[i] for i in ids if i in found and may_see(caller, found[i].owner)}
    return list(visible.values()), dict.fromkeys(i for i in ids if i not in visible)
