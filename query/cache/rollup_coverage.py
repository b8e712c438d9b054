"""Curves whose roll-ups hold every event: while nobody writes them there is nothing else to look for.

Only in the process that is the only one to write (``eventide up``): a third of the time of a long curve went into
looking for what roll-ups do not hold yet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

from query.sql.statements import MetricFilter
from schema.changefeed.changefeed import Changefeed
from schema.lru_cache import LruCache
from schema.registry import Entity

MAX_QUESTIONS = 1000

CurveKey = tuple[str, str, str]  # task, metric, variant


@dataclass(frozen=True)
class RollupWatermark:
    """The roll-ups made since a deletion hold every event with a ``seq`` up to ``through``; 0: there are none."""

    since: int
    through: int


@dataclass(frozen=True)
class RollupCoverage:
    """The watermarks of some curves.

    ``stale``: for each task, the roll-ups to which newer rows belong; None if there are too many.
    """

    watermarks: Mapping[CurveKey, RollupWatermark]
    stale: Mapping[str, Sequence[int]] | None

    def holds_all(self, curves: Collection[CurveKey]) -> bool:
        """Tell whether the roll-ups of these curves hold every event, as far as was looked."""
        return self.stale == {} and all(
            curve in self.watermarks and self.watermarks[curve].through > 0 for curve in curves
        )


class RollupCoverageCache:
    """The coverage of curves whose roll-ups hold everything, by the question that was asked."""

    def __init__(self, changefeed: Changefeed) -> None:
        self._changefeed = changefeed
        self._coverages: LruCache[Hashable, tuple[list[int], RollupCoverage]] = LruCache(
            "rollup_coverage", MAX_QUESTIONS
        )

    async def coverage(
        self,
        entities: Sequence[Entity],
        filters: Sequence[MetricFilter],
        curves: Collection[CurveKey],
        read: Callable[[], Awaitable[RollupCoverage]],
        *,
        is_whole: bool,
    ) -> RollupCoverage:
        """Return what ``read`` found before, if it held all of ``curves`` and no entity was written since.

        ``is_whole``: whether ``read`` looks at whole curves; the coverage of a part says nothing of the rest, so it is
        not cached.
        """
        question = (*(entity.key for entity in entities), *(entry.model_dump_json() for entry in filters))
        versions = self._versions(entities)
        if found := self._coverages.get(question, lambda kept: kept[0] == versions):
            return found[1]
        coverage = await read()
        if is_whole and coverage.holds_all(curves) and versions == self._versions(entities):
            self._coverages.put(question, (versions, coverage))
        return coverage

    def _versions(self, entities: Sequence[Entity]) -> list[int]:
        return [self._changefeed.version(entity.id) for entity in entities]
