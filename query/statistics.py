"""What is known of an entity without reading its points: ``last_iteration`` and ``last_metrics`` (section 2.8)."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from query.reader import Reader, of_entity
from schema.living import ENTITY, LIVING, SINCE_RESET
from schema.registry import Entity
from schema.tables import INT64_MIN, SCALAR

MAX_LAST_METRICS = 2000
IGNORED_METRICS = (":monitor:machine", ":monitor:gpu")  # of the resource monitor, whose iterations are seconds

CURRENT = f"FROM metric_index WHERE {ENTITY} AND since_reset = {SINCE_RESET}"
LAST_ITERATION_SQL = f"SELECT max(max_iter) AS newest {CURRENT} AND metric NOT IN {IGNORED_METRICS}"
LAST_METRICS_SQL = f"""
SELECT metric, variant, max(latest) AS newest, min(lowest) AS least, min(highest) AS greatest, min(first) AS oldest,
    tupleElement(max(label), 'text') AS x_axis_label
{CURRENT} AND event_type = '{SCALAR}'
GROUP BY metric, variant HAVING newest.batch > 0
ORDER BY oldest.batch, oldest.seq LIMIT {MAX_LAST_METRICS}
"""
COUNTS_SQL = f"""
SELECT metric, variant, count(value) AS n, avg(value) AS mean
FROM scalars FINAL WHERE {ENTITY} AND {LIVING} GROUP BY metric, variant
"""


async def statistics(reader: Reader, entity: Entity) -> dict[str, Any]:
    """``last_iteration``, ``last_metrics`` and ``unique_metrics`` of a task or model."""
    parameters = of_entity(entity)
    queries = (LAST_ITERATION_SQL, LAST_METRICS_SQL, COUNTS_SQL)
    newest, rows, counts = await asyncio.gather(*(reader.store.read(sql, parameters) for sql in queries))
    by_curve = {(row["metric"], row["variant"]): row for row in counts}
    last_metrics: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (md5(row["metric"]), md5(row["variant"]))):
        summary = _summary(row, by_curve.get((row["metric"], row["variant"]), {}))
        last_metrics.setdefault(md5(row["metric"]), {})[md5(row["variant"])] = summary
    return {
        "last_iteration": max(0, newest[0]["newest"]) if newest[0]["newest"] != INT64_MIN else 0,
        "last_metrics": last_metrics,
        "unique_metrics": sorted(f"{row['metric']}/{row['variant']}" for row in rows),
    }


def md5(name: str) -> str:
    """The key of a metric or variant in ``last_metrics``."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def _summary(row: dict[str, Any], counted: dict[str, Any]) -> dict[str, Any]:
    summary = {
        "metric": row["metric"],
        "variant": row["variant"],
        "value": row["newest"]["value"],
        "min_value": row["least"]["value"],
        "min_value_iteration": row["least"]["iter"],
        "max_value": -row["greatest"]["negated"],
        "max_value_iteration": row["greatest"]["iter"],
        "first_value": row["oldest"]["value"],
        "first_value_iteration": row["oldest"]["iter"],
        "count": counted.get("n", 0),
        "mean_value": round(counted.get("mean") or 0.0, 2),
    }
    if row["x_axis_label"]:
        summary["x_axis_label"] = row["x_axis_label"]
    return summary
