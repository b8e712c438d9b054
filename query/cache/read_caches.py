"""The caches of the read path, and the order in which they apply what was written."""

from __future__ import annotations

from query.cache.entity_index import EntityIndexCache
from query.cache.log_counts import LogCountCache
from query.cache.log_tails import LogTailCache
from query.cache.page_ends import PageEndEstimator
from query.cache.points import MAX_CACHED_POINTS, PointCache
from query.cache.responses import ResponseCache
from query.cache.rollup_coverage import RollupCoverageCache
from query.cache.statistics import StatisticsCache
from schema.changefeed.change_batch import ChangeBatch
from schema.changefeed.changefeed import Changefeed
from schema.store import Store


class ReadCaches:
    """The caches of one process.

    ``log_tails``, ``points`` and ``entity_index`` follow the changefeed; all others compare versions when they are
    asked. ``max_points``: points of curves that are kept, 12 bytes each.
    """

    def __init__(self, store: Store, changefeed: Changefeed, max_points: int = MAX_CACHED_POINTS) -> None:
        self.entity_index = EntityIndexCache(store, changefeed)
        self.points = PointCache(self.entity_index, changefeed, max_points)
        self.log_tails = LogTailCache(self.entity_index, changefeed)
        self.log_counts = LogCountCache()
        self.page_ends = PageEndEstimator()
        self.rollup_coverage = RollupCoverageCache(changefeed)
        self.responses = ResponseCache(store, changefeed)
        self.statistics = StatisticsCache(store, changefeed)
        changefeed.listen(self)

    def apply(self, batch: ChangeBatch) -> None:
        """Take over what was written. The entity index is last: the others ask it what there was before."""
        self.log_tails.apply(batch)
        self.points.apply(batch)
        self.entity_index.apply(batch)

    def clear(self) -> None:
        """Invalidate what follows the changefeed, as a batch could not be applied."""
        self.log_tails.clear()
        self.points.clear()
        self.entity_index.clear()
