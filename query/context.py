"""What every read needs: the store, the registry, cursors; and the entities that a caller may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from query.cache.entity_index import EntityIndexCache
from query.cache.log_counts import LogCountCache
from query.cache.log_tails import LogTailCache
from query.cache.page_ends import PageEndEstimator
from query.cache.points import MAX_CACHED_POINTS, PointCache
from query.cache.responses import ResponseCache
from query.cache.rollup_coverage import RollupCoverageCache
from query.live.stream_hub import StreamHub
from query.pagination.cursor import Cursors
from query.registry.statistics import Statistics
from schema.api.wire import Caller
from schema.changefeed.changefeed import Changefeed
from schema.errors import InvalidModel, InvalidTask
from schema.registry import MODELS, TASKS, Entity, Registry
from schema.store import Store


@dataclass(frozen=True)
class QueryContext:
    """The read path's dependencies."""

    store: Store
    registry: Registry
    cursors: Cursors
    changefeed: Changefeed | None = None
    cached_points: int = MAX_CACHED_POINTS
    statistics: Statistics = field(init=False)
    streams: StreamHub = field(init=False)
    responses: ResponseCache = field(init=False)
    entity_index: EntityIndexCache = field(init=False)
    points: PointCache = field(init=False)
    rollup_coverage: RollupCoverageCache = field(init=False)
    log_tails: LogTailCache = field(init=False)
    log_counts: LogCountCache = field(init=False, default_factory=LogCountCache)
    page_ends: PageEndEstimator = field(init=False, default_factory=PageEndEstimator)

    def __post_init__(self) -> None:
        object.__setattr__(self, "statistics", Statistics(self.store, self.changefeed))
        object.__setattr__(self, "streams", StreamHub(self.store, self.changefeed))
        object.__setattr__(self, "entity_index", EntityIndexCache(self.store, self.changefeed))
        object.__setattr__(self, "points", PointCache(self.entity_index, self.changefeed, self.cached_points))
        object.__setattr__(self, "rollup_coverage", RollupCoverageCache(self.store, self.changefeed))
        object.__setattr__(self, "log_tails", LogTailCache(self.entity_index, self.changefeed))
        object.__setattr__(self, "responses", ResponseCache(self.store, self.changefeed))

    async def entity(self, caller: Caller, entity_id: str, is_model: bool = False) -> Entity:
        """A task or model that the caller may see. Raises InvalidTask or InvalidModel (API contract 3.0.1)."""
        return (await self.entities(caller, [entity_id], is_model))[0]

    async def entities(self, caller: Caller, ids: Sequence[str], is_model: bool = False) -> list[Entity]:
        """The distinct entities in the order of ``ids``: the caller's own and public ones.

        Waits until what was acknowledged of them is readable. Raises InvalidTask or InvalidModel if any is missing (API
        contract 3.0.1).
        """
        await self.wait_until_readable(ids)
        found = await self.registry.entities(MODELS if is_model else TASKS, ids)
        visible = {i: found[i] for i in ids if i in found and found[i].company in (caller.company, "")}
        if len(visible) < len(set(ids)):
            kind, error = ("model", InvalidModel) if is_model else ("task", InvalidTask)
            missing = dict.fromkeys(i for i in ids if i not in visible)
            raise error(f"Invalid {kind} id {', '.join(missing)}")
        return list(visible.values())

    async def wait_until_readable(self, ids: Iterable[str]) -> None:
        """Return once reads see what was acknowledged of these entities; at once while the store takes nothing."""
        if self.changefeed:
            await self.changefeed.wait_until_readable(ids)
