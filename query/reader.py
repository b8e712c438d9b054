"""What every read needs: the store, the registry, cursors; and the entities that a caller may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from query.cursor import Cursors
from query.curves.complete import Complete
from query.live.watching import Watching
from query.logs.paces import Paces
from query.memory.answers import Memory
from query.memory.held import MAX_POINTS, Held
from query.memory.known import Known
from query.memory.tails import Tails
from query.memory.totals import Totals
from query.registry.statistics import Statistics
from schema.changes import Changes
from schema.errors import InvalidModel, InvalidTask
from schema.registry import MODELS, TASKS, Entity, Registry
from schema.store import Store
from schema.wire import Caller


@dataclass(frozen=True)
class Reader:
    """The read path's dependencies."""

    store: Store
    registry: Registry
    cursors: Cursors
    changes: Changes | None = None
    held_points: int = MAX_POINTS
    statistics: Statistics = field(init=False)
    watching: Watching = field(init=False)
    memory: Memory = field(init=False)
    known: Known = field(init=False)
    held: Held = field(init=False)
    complete: Complete = field(init=False)
    tails: Tails = field(init=False)
    totals: Totals = field(init=False, default_factory=Totals)
    paces: Paces = field(init=False, default_factory=Paces)

    def __post_init__(self) -> None:
        object.__setattr__(self, "statistics", Statistics(self.store, self.changes))
        object.__setattr__(self, "watching", Watching(self.store, self.changes))
        object.__setattr__(self, "known", Known(self.store, self.changes))
        object.__setattr__(self, "held", Held(self.known, self.changes, self.held_points))
        object.__setattr__(self, "complete", Complete(self.store, self.changes))
        object.__setattr__(self, "tails", Tails(self.known, self.changes))
        object.__setattr__(self, "memory", Memory(self.store, self.changes))

    async def entity(self, caller: Caller, entity_id: str, is_model: bool = False) -> Entity:
        """A task or model that the caller may see. Raises InvalidTask or InvalidModel (section 3.0.1)."""
        return (await self.entities(caller, [entity_id], is_model))[0]

    async def entities(self, caller: Caller, ids: Sequence[str], is_model: bool = False) -> list[Entity]:
        """The distinct entities in the order of ``ids``: the caller's own and public ones.

        Reads see what was acknowledged of them. Raises InvalidTask or InvalidModel if any is missing (section 3.0.1).
        """
        await self.settled(ids)
        found = await self.registry.entities(MODELS if is_model else TASKS, ids)
        visible = {i: found[i] for i in ids if i in found and found[i].company in (caller.company, "")}
        if len(visible) < len(set(ids)):
            kind, error = ("model", InvalidModel) if is_model else ("task", InvalidTask)
            raise error(f"Invalid {kind} id {', '.join(ids)}")
        return list(visible.values())

    async def settled(self, ids: Iterable[str]) -> None:
        """Return once reads see what was acknowledged of these entities; at once while the store takes nothing."""
        if self.changes:
            await self.changes.settled(ids)
