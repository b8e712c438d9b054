"""Statistics of entities, cached: ``last_iteration``, ``last_metrics`` and more (API contract 2.8).

Two small statements read the watermark of each entity, under which its summaries are cached: only entities with new
scalars or deletions are read again. ``count`` and ``mean_value`` alone come from the points, and only where they are
asked for. Of entities with more curves than MAX_LAST_METRICS, ClickHouse leaves out the others: to send the rows of
100 000 curves here took 40 times as long as to choose among them there.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from query.cache.metric_columns import IGNORED_METRICS, MetricColumns
from query.sql.statements import MetricFilter, by_task, fill, filter_sql
from schema.changefeed.changefeed import Changefeed
from schema.events.rows import Row
from schema.events.tables import INT64_MIN, SCALAR
from schema.lru_cache import LruCache
from schema.store import Store
from schema.store.tombstone_filters import DELETIONS_SQL, OF_ENTITIES_SQL

MAX_LAST_METRICS = 2000
MAX_CURVES = 200_000  # of all summaries that are cached
ENTITIES_PER_STATEMENT = 1000
LAST_ITERATION, LAST_METRICS, COUNTS = "last_iteration", "last_metrics", "counts"
UNIQUE_METRICS, METRIC_STATS = "unique_metrics", "metric_stats"
FIELDS = frozenset((LAST_ITERATION, LAST_METRICS, UNIQUE_METRICS, METRIC_STATS))
ALL = FIELDS | {COUNTS}

WATERMARK_SQL = f"""
SELECT task, since_reset, maxIf(max_iter, metric NOT IN {IGNORED_METRICS}) AS newest_iter,
    max(latest.batch) AS newest_batch, max(arrived) AS newest, max(received_at) AS received,
    count() AS curves
FROM metric_index WHERE {OF_ENTITIES_SQL} GROUP BY task, since_reset
"""
NOT_RESET_SQL = "since_reset = transform(task, {tasks:Array(String)}, {resets:Array(UInt64)}, 0)"
CURVES_SQL = f"""
SELECT task, metric, variant, max(latest) AS newest, min(lowest) AS least, min(highest) AS greatest,
    min(first) AS oldest, tupleElement(max(label), 'text') AS x_axis_label
FROM metric_index WHERE {OF_ENTITIES_SQL} AND event_type = '{SCALAR}' AND {NOT_RESET_SQL}
GROUP BY task, metric, variant HAVING newest.batch > 0
ORDER BY oldest.batch, oldest.seq LIMIT {MAX_LAST_METRICS} BY task
"""
METRIC_STATS_SQL = f"""
SELECT task, event_type, metric, max(timestamp) AS newest_timestamp
FROM metric_index WHERE {OF_ENTITIES_SQL} AND {NOT_RESET_SQL}
GROUP BY task, event_type, metric ORDER BY newest_timestamp DESC, metric LIMIT {MAX_LAST_METRICS} BY task
"""
COUNTS_SQL = f"""
SELECT task, metric, variant, count(value) AS n, avg(value) AS mean
FROM scalars FINAL
WHERE {OF_ENTITIES_SQL} AND $filter AND seq > transform(task, {{tasks:Array(String)}}, {{deletions:Array(UInt64)}}, 0)
GROUP BY task, metric, variant
"""

Fields = dict[str, Any]


@dataclass(frozen=True)
class StatisticsWatermark:
    """The newest writes and deletions of an entity: while they are the same, so are its summaries.

    ``most_curves``: it has no more curves; mostly far fewer, as the index's parts are merged. It is not compared.
    """

    reset: int = 0
    deleted: int = 0
    newest_batch: int = 0
    arrived: int = 0
    received: int = 0  # ms; of rows that workers of before `arrived` wrote it alone tells
    last_iteration: int = 0
    most_curves: int = field(default=0, compare=False)


@dataclass(frozen=True)
class CachedStatistics:
    """Statistics of an entity, with the watermark and the version under which they were read."""

    watermark: StatisticsWatermark
    version: int
    wanted: frozenset[str]
    fields: Fields
    curves: int


class StatisticsCache:
    """Statistics of the tasks and models that were asked for last, read for many at once."""

    def __init__(self, store: Store, changefeed: Changefeed) -> None:
        self._store = store
        self._changefeed = changefeed
        self.columns = MetricColumns(store, changefeed)
        self._statistics: LruCache[str, CachedStatistics] = LruCache("statistics", MAX_CURVES, lambda kept: kept.curves)

    async def of(self, storage: Mapping[str, str], wanted: Collection[str]) -> dict[str, Fields]:
        """Return the ``wanted`` fields by id. ``storage``: under which company the events of each id are stored."""
        needed = frozenset(wanted)
        if not needed:
            return {key: {} for key in storage}
        await self._changefeed.wait_until_readable(storage)
        found = {key: kept for key in storage if (kept := self._current(key, needed))}
        stale = [(key, company) for key, company in storage.items() if key not in found]
        for start in range(0, len(stale), ENTITIES_PER_STATEMENT):
            found |= await self._refreshed(dict(stale[start : start + ENTITIES_PER_STATEMENT]), needed)
        return {key: {name: found[key].fields[name] for name in FIELDS & needed} for key in storage}

    def _current(self, key: str, needed: frozenset[str]) -> CachedStatistics | None:
        """Return the statistics of an entity that was not written since they were read."""
        version = self._changefeed.version(key)
        return self._statistics.get(key, lambda kept: kept.wanted >= needed and kept.version == version)

    async def _refreshed(self, storage: Mapping[str, str], needed: frozenset[str]) -> dict[str, CachedStatistics]:
        """Return and cache the statistics of these entities; only those with another watermark are read."""
        versions = {key: self._changefeed.version(key) for key in storage}
        watermarks = await self._watermarks(storage)
        found: dict[str, CachedStatistics] = {}
        for key, watermark in watermarks.items():
            kept = self._statistics.peek(key)
            if kept and kept.watermark == watermark and kept.wanted >= needed:
                found[key] = replace(kept, version=versions[key])
            elif not watermark.received or needed == {LAST_ITERATION}:
                found[key] = CachedStatistics(watermark, versions[key], needed, _empty(watermark), 1)
        missing = {key: company for key, company in storage.items() if key not in found}
        for key, fields in (await self._read(missing, watermarks, needed) if missing else {}).items():
            curves = sum(map(len, fields[LAST_METRICS].values()))
            found[key] = CachedStatistics(watermarks[key], versions[key], needed, fields, 1 + curves)
        for key, kept in found.items():
            self._statistics.put(key, kept)
        return found

    async def _watermarks(self, storage: Mapping[str, str]) -> dict[str, StatisticsWatermark]:
        parameters = _entities(storage)
        statements = (WATERMARK_SQL, DELETIONS_SQL)
        rows, deletions = await asyncio.gather(*(self._store.read(sql, parameters) for sql in statements))
        deleted = {row["task"]: (row["reset"], row["deleted"]) for row in deletions}
        found = {key: StatisticsWatermark(*deleted.get(key, (0, 0))) for key in storage}
        for row in rows:
            reset, newest = found[row["task"]].reset, found[row["task"]].deleted
            if row["since_reset"] == reset:
                last_iteration = max(0, row["newest_iter"])
                found[row["task"]] = StatisticsWatermark(
                    reset,
                    newest,
                    row["newest_batch"],
                    row["newest"],
                    row["received"],
                    last_iteration,
                    row["curves"],
                )
        return found

    async def _read(
        self, storage: Mapping[str, str], watermarks: Mapping[str, StatisticsWatermark], needed: frozenset[str]
    ) -> dict[str, Fields]:
        of_them = {key: watermarks[key] for key in storage}
        parameters = _entities(storage) | {"resets": [of.reset for of in of_them.values()]}
        is_wide = any(of.most_curves > MAX_LAST_METRICS for of in of_them.values())
        counts = self._counts(parameters, of_them) if COUNTS in needed and not is_wide else _nothing()
        stats = self._store.read(METRIC_STATS_SQL, parameters) if METRIC_STATS in needed else _nothing()
        curves, newest, counted = await asyncio.gather(self._store.read(CURVES_SQL, parameters), stats, counts)
        if COUNTS in needed and is_wide:
            counted = await self._counts(parameters, of_them, curves)
        found = {key: _empty(of) for key, of in of_them.items()}
        for key, rows in by_task(curves).items():
            found[key] |= _last_metrics(rows)
        for key, rows in by_task(newest).items():
            found[key] |= {METRIC_STATS: _metric_stats(rows)}
        _add_counts(found, curves, counted, of_them)
        return found

    async def _counts(
        self, parameters: Row, watermarks: Mapping[str, StatisticsWatermark], curves: Sequence[Row] = ()
    ) -> list[Row]:
        """Read the counts of these curves' metrics; without any, of all."""
        condition, names = filter_sql([MetricFilter(metric=name) for name in {row["metric"] for row in curves}])
        deletions = [of.deleted for of in watermarks.values()]
        return await self._store.read(
            fill(COUNTS_SQL, {"$filter": condition}), parameters | names | {"deletions": deletions}
        )


def md5(name: str) -> str:
    """Return the key of a metric or variant in ``last_metrics``."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


async def _nothing() -> list[Row]:
    return []


def _entities(storage: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters of OF_ENTITIES_SQL."""
    return {"companies": sorted(set(storage.values())), "tasks": list(storage)}


def _empty(watermark: StatisticsWatermark) -> Fields:
    return {LAST_ITERATION: watermark.last_iteration, LAST_METRICS: {}, UNIQUE_METRICS: [], METRIC_STATS: {}}


def _last_metrics(rows: Sequence[Row]) -> Fields:
    """Return the summaries and the names of one entity's curves."""
    last_metrics: dict[str, Fields] = {}
    for row in sorted(rows, key=lambda row: (md5(row["metric"]), md5(row["variant"]))):
        last_metrics.setdefault(md5(row["metric"]), {})[md5(row["variant"])] = _summary(row)
    return {LAST_METRICS: last_metrics, UNIQUE_METRICS: sorted(f"{row['metric']}/{row['variant']}" for row in rows)}


def _add_counts(
    found: Mapping[str, Fields],
    curves: Sequence[Row],
    counted: Sequence[Row],
    watermarks: Mapping[str, StatisticsWatermark],
) -> None:
    """Add count and mean to the summaries; not of a curve that lost points to a deletion or meanwhile."""
    counts = {(row["task"], row["metric"], row["variant"]): row for row in counted}
    for row in curves:
        of_curve = counts.get((row["task"], row["metric"], row["variant"]))
        if of_curve and of_curve["n"] and row["oldest"]["seq"] > watermarks[row["task"]].deleted:
            summary = found[row["task"]][LAST_METRICS][md5(row["metric"])][md5(row["variant"])]
            summary |= {"count": of_curve["n"], "mean_value": round(float(of_curve["mean"]), 2)}


def _summary(row: Row) -> Fields:
    summary = {
        "metric": row["metric"],
        "variant": row["variant"],
        "value": float(row["newest"]["value"]),
        "min_value": float(row["least"]["value"]),
        "min_value_iteration": row["least"]["iter"],
        "max_value": 0.0 - row["greatest"]["negated"],
        "max_value_iteration": row["greatest"]["iter"],
        "first_value": float(row["oldest"]["value"]),
        "first_value_iteration": row["oldest"]["iter"],
    }
    if row["x_axis_label"]:
        summary["x_axis_label"] = row["x_axis_label"]
    return summary


def _metric_stats(rows: Iterable[Row]) -> Fields:
    """Return the newest timestamp of each metric, by event type; None for events that have none."""
    stats: dict[str, Fields] = {}
    for row in rows:
        empty: Fields = {"metric": row["metric"], "event_stats_by_type": {}}
        of_metric = stats.setdefault(md5(row["metric"]), empty)["event_stats_by_type"]
        of_type = of_metric.setdefault(row["event_type"], {"last_update": None})
        newest, known = row["newest_timestamp"], of_type["last_update"]
        if newest != INT64_MIN and (known is None or newest > known):
            of_type["last_update"] = newest
    return stats
