"""The latest values of a task's curves, read from rows.

Of long curves only the end is read; those that have too few values there, as they ended earlier or have values at few
iterations, are read whole. Of curves of at most VALUES iterations all values count: they need not be sorted, unless a
curve has several events of one iteration.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from query.sql.statements import MetricFilter, fill, filter_sql
from query.sql.threads import threads
from query.sql.tombstone_filter import TombstoneFilter
from schema.changefeed.points import CurveName
from schema.events.rows import Row
from schema.store import Store
from schema.store.tombstone_filters import OF_ENTITY_SQL

VALUES = 100  # of each curve, for the mean
RECENT = 20_000  # iterations at the end of a long curve, at most; and at most
SHARE = 8  # one in so many of the longest: mostly more than VALUES, for less than a quarter of the time

# PREWHERE: before rows of one identity are merged, which the highest seq survives; so only by identity and seq.
LATEST_SQL = f"""
SELECT metric, variant, argMin(single, place) AS last, avg(single) AS mean, max(received_at) AS newest, count() AS count
FROM
(
    SELECT metric, variant, received_at, toFloat64(toFloat32(assumeNotNull(value))) AS single,
        (NOT has_iter, bitNot(iter), seq) AS place
    FROM scalars FINAL PREWHERE {OF_ENTITY_SQL} AND $part AND $living WHERE value IS NOT NULL
    ORDER BY metric, variant, place LIMIT {VALUES} BY metric, variant
)
GROUP BY metric, variant$threads
"""
# ``plain``: the events that are told apart by their iteration alone. A quarter of the CPU of LATEST_SQL.
SHORT_SQL = f"""
SELECT metric, variant, argMax(single, iter) AS last, avg(single) AS mean, max(received_at) AS newest,
    count() AS count, countIf(discriminator = '') AS plain
FROM
(
    SELECT metric, variant, iter, discriminator, received_at, toFloat64(toFloat32(assumeNotNull(value))) AS single
    FROM scalars FINAL PREWHERE {OF_ENTITY_SQL} AND $part AND $living WHERE value IS NOT NULL
)
GROUP BY metric, variant$threads
"""


@dataclass(frozen=True)
class CurvesExtent:
    """How many curves there are, the last iteration of all, and how many iterations the longest spans."""

    curves: int
    end: int
    longest: int


@dataclass(frozen=True)
class StoredValues:
    """Access to the values of one task. ``living``: the conditions that they were not deleted."""

    store: Store
    living: TombstoneFilter

    def is_short(self, extent: CurvesExtent) -> bool:
        """Tell whether all curves are read whole, whatever their names."""
        return extent.longest < VALUES * SHARE

    async def latest(self, names: Collection[CurveName], extent: CurvesExtent, are_all: bool) -> list[Row]:
        """Return rows of LATEST_SQL of these curves, and of others of their metrics.

        ``are_all``: the task has no others.
        """
        metrics = [] if are_all else _metrics(names)
        if extent.longest < VALUES:
            return await self._of_short(metrics, extent)
        if self.is_short(extent):
            return await self._read(LATEST_SQL, metrics, extent.longest * extent.curves)
        return await self._of_long(metrics, names, extent)

    async def _of_short(self, metrics: Sequence[MetricFilter], extent: CurvesExtent) -> list[Row]:
        """Read curves of at most VALUES iterations; those with several events of one iteration once more."""
        rows = await self._read(SHORT_SQL, metrics, extent.longest * extent.curves)
        others = [name_of(row) for row in rows if row["plain"] < row["count"]]
        whole = await self._read(LATEST_SQL, _metrics(others), extent.longest * len(others)) if others else []
        return _merged(rows, whole)

    async def _of_long(
        self, metrics: Sequence[MetricFilter], names: Collection[CurveName], extent: CurvesExtent
    ) -> list[Row]:
        """Read the ends of long curves, and what has too few values there whole."""
        recent = min(extent.longest // SHARE, RECENT)
        ends = await self._read(LATEST_SQL, metrics, recent * extent.curves, after=extent.end - recent)
        enough = [row for row in ends if row["count"] == VALUES]
        rest = _metrics(set(names) - {name_of(row) for row in enough})
        return _merged(enough, await self._read(LATEST_SQL, rest, extent.longest * len(rest)) if rest else [])

    async def _read(
        self, sql: str, metrics: Sequence[MetricFilter], points: int, after: int | None = None
    ) -> list[Row]:
        """Read values of these metrics, of about ``points`` points; none: of all. ``after``: an iteration."""
        part, parameters = filter_sql(metrics)
        if after is not None:
            part, parameters = f"{part} AND iter > {{start:Int64}}", parameters | {"start": after}
        texts = {"$part": part, "$living": self.living.rows, "$threads": threads(points)}
        return await self.store.read(fill(sql, texts), self.living.parameters | parameters)


def _merged(rows: Sequence[Row], newer: Sequence[Row]) -> list[Row]:
    """Return the rows, in place of which ``newer`` ones of the same curves come."""
    if not newer:
        return list(rows)
    return list({name_of(row): row for row in (*rows, *newer)}.values())


def name_of(row: Row) -> CurveName:
    """Return the metric and variant of a row."""
    return row["metric"], row["variant"]


def _metrics(names: Collection[CurveName]) -> list[MetricFilter]:
    return [MetricFilter(metric=name) for name in sorted({metric for metric, _ in names})]
