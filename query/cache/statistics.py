"""Statistics of entities, cached: ``last_iteration``, ``last_metrics`` and more (API contract 2.8).

Two small statements read the watermark of each entity, under which its summaries are cached: only entities with new
scalars or deletions are read again. ``count`` and ``mean_value`` alone come from the points, and only where they are
asked for.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from query.cache.metric_columns import IGNORED_METRICS, MetricColumns
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
    max(latest.batch) AS newest_batch, max(arrived) AS newest, max(received_at) AS received
FROM metric_index WHERE {OF_ENTITIES_SQL} GROUP BY task, since_reset
"""
CURVES_SQL = f"""
SELECT task, event_type, metric, variant, max(timestamp) AS newest_timestamp, max(latest) AS newest,
    min(lowest) AS least, min(highest) AS greatest, min(first) AS oldest,
    tupleElement(max(label), 'text') AS x_axis_label
FROM metric_index
WHERE {OF_ENTITIES_SQL} AND since_reset = transform(task, {{tasks:Array(String)}}, {{resets:Array(UInt64)}}, 0)
GROUP BY task, event_type, metric, variant
"""
COUNTS_SQL = f"""
SELECT task, metric, variant, count(value) AS n, avg(value) AS mean
FROM scalars FINAL
WHERE {OF_ENTITIES_SQL} AND seq > transform(task, {{tasks:Array(String)}}, {{deletions:Array(UInt64)}}, 0)
GROUP BY task, metric, variant
"""

Fields = dict[str, Any]


@dataclass(frozen=True)
class StatisticsWatermark:
    """The newest writes and deletions of an entity: while they are the same, so are its summaries."""

    reset: int = 0
    deleted: int = 0
    newest_batch: int = 0
    arrived: int = 0
    received: int = 0  # ms; of rows that workers of before `arrived` wrote it alone tells
    last_iteration: int = 0


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
                    reset, newest, row["newest_batch"], row["newest"], row["received"], last_iteration
                )
        return found

    async def _read(
        self, storage: Mapping[str, str], watermarks: Mapping[str, StatisticsWatermark], needed: frozenset[str]
    ) -> dict[str, Fields]:
        ids = list(storage)
        resets, deletions = [watermarks[key].reset for key in ids], [watermarks[key].deleted for key in ids]
        parameters = _entities(storage) | {"resets": resets, "deletions": deletions}
        statements = (CURVES_SQL, COUNTS_SQL) if COUNTS in needed else (CURVES_SQL,)
        curves, *counts = await asyncio.gather(*(self._store.read(sql, parameters) for sql in statements))
        counted = {(row["task"], row["metric"], row["variant"]): row for row in (counts[0] if counts else [])}
        by_entity: dict[str, list[Row]] = {key: [] for key in ids}
        for row in curves:
            by_entity[row["task"]].append(row)
        with_counts = counted if COUNTS in needed else None
        return {
            key: _empty(watermarks[key]) | _fields(rows, with_counts, watermarks[key].deleted)
            for key, rows in by_entity.items()
        }


def md5(name: str) -> str:
    """Return the key of a metric or variant in ``last_metrics``."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def _entities(storage: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters of OF_ENTITIES_SQL."""
    return {"companies": sorted(set(storage.values())), "tasks": list(storage)}


def _empty(watermark: StatisticsWatermark) -> Fields:
    return {LAST_ITERATION: watermark.last_iteration, LAST_METRICS: {}, UNIQUE_METRICS: [], METRIC_STATS: {}}


def _fields(rows: list[Row], counted: Mapping[tuple[str, str, str], Row] | None, deleted: int) -> Fields:
    """Return the statistics of one entity from its curves. ``counted``: rows of COUNTS_SQL."""
    scalars = [row for row in rows if row["event_type"] == SCALAR and row["newest"]["batch"]]
    scalars.sort(key=lambda row: (row["oldest"]["batch"], row["oldest"]["seq"]))
    kept = sorted(scalars[:MAX_LAST_METRICS], key=lambda row: (md5(row["metric"]), md5(row["variant"])))
    last_metrics: dict[str, Fields] = {}
    for row in kept:
        summary = _summary(row)
        if counted is not None and row["oldest"]["seq"] > deleted:
            summary |= _counts(counted.get((row["task"], row["metric"], row["variant"])))
        last_metrics.setdefault(md5(row["metric"]), {})[md5(row["variant"])] = summary
    unique = sorted(f"{row['metric']}/{row['variant']}" for row in kept)
    return {LAST_METRICS: last_metrics, UNIQUE_METRICS: unique, METRIC_STATS: _metric_stats(rows)}


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


def _counts(row: Row | None) -> Fields:
    """Return count and mean; none of a curve that lost its points between the two statements."""
    return {"count": row["n"], "mean_value": round(float(row["mean"]), 2)} if row and row["n"] else {}


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
