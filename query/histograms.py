"""Downsampled curves: the two scalar histograms (specification sections 3.18 and 3.19).

Two statements an answer: the range of each curve, from which follow the bucket widths, and the buckets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from query.reader import Reader, of_entity
from query.rows import Int64, Key, MetricFilter, fill, filter_sql
from schema.events import iso_time
from schema.living import ENTITY, LIVING, SINCE_RESET
from schema.registry import Entity
from schema.requests import Boolean, Integer, Request
from schema.tables import INT64_MAX, INT64_MIN, SCALAR, SINGLE_VALUE_ITER
from schema.wire import Answer, Caller, Endpoints, Tier

MAX_SAMPLES = 6000  # also of a group of curves
GROUP_CURVES = 50
GROUP_SPREAD_PERCENT = 10

POINTS = f"{ENTITY} AND {LIVING} AND has_iter AND iter > {SINGLE_VALUE_ITER}"
RANGES_SQL = """
SELECT metric, variant, count() AS n, min($field) AS lo, max($field) AS hi
FROM scalars FINAL WHERE $points AND $has_field AND $filter
GROUP BY metric, variant ORDER BY metric, variant
"""
BUCKETS_SQL = """
WITH arraySort(bucket -> tupleElement(bucket, 1), groupArray(($columns))) AS buckets
SELECT metric, variant, $arrays
FROM
(
    SELECT metric, variant, $field - positiveModulo($field, $interval) AS start, $aggregates
    FROM scalars FINAL$join WHERE $points AND $has_field AND $filter
    GROUP BY metric, variant, start
)
GROUP BY metric, variant
"""
# The values of a bucket -> what is drawn of it. Values count with the precision of the index that the API stands for.
AGGREGATES = {
    "mean": {"y": "avg(toFloat32(value))"},
    "minmax": {
        "y": "avg(toFloat32(value))",
        "y_min": "toFloat64(min(toFloat32(value)))",
        "y_max": "toFloat64(max(toFloat32(value)))",
    },
    "last": {"y": "toFloat64(argMax(toFloat32(value), ($field, iter)))"},
}
INTERVALS_JOIN = """
    INNER JOIN
    (
        SELECT tupleElement(curve, 1) AS metric, tupleElement(curve, 2) AS variant, tupleElement(curve, 3) AS width
        FROM (SELECT arrayJoin(arrayZip({curve_metrics:Array(String)}, {curve_variants:Array(String)},
                                        {curve_widths:Array(Int64)})) AS curve)
    ) AS widths USING (metric, variant)"""
LABELS_SQL = f"""
SELECT metric, variant, tupleElement(max(label), 'text') AS text
FROM metric_index WHERE {ENTITY} AND event_type = '{SCALAR}' AND since_reset = {SINCE_RESET}
GROUP BY metric, variant HAVING text != ''
"""

endpoints = Endpoints(Tier.QUERY)


class Sampling(Request):
    """How curves are downsampled, and which part of them.

    Eventide's own: ``aggregation`` (``minmax`` adds ``y_min`` and ``y_max``), ``x_min`` and ``x_max`` (both included;
    iterations, or ms since the epoch).
    """

    samples: Annotated[Integer, Field(ge=1, le=MAX_SAMPLES)] = 2000
    key: Key = "iter"
    aggregation: Literal["mean", "minmax", "last"] = "mean"
    x_min: Int64 = INT64_MIN
    x_max: Int64 = INT64_MAX
    metrics: list[MetricFilter] = []
    model_events: Boolean = False


class ScalarMetricsIterHistogram(Sampling):
    """The curves of one entity."""

    task: str


class MultiTaskScalarMetricsIterHistogram(Sampling):
    """The curves of several entities."""

    tasks: Annotated[list[str], Field(min_length=1, max_length=100)]


@dataclass
class Curve:
    """One metric and variant: ``count`` events of ``low`` to ``high``, and the bucket width that follows."""

    metric: str
    variant: str
    count: int
    low: int
    high: int
    interval: int = 1
    size: int = 0

    def sample(self, samples: int) -> None:
        """Section 3.18, step 1."""
        self.size = self.count
        if self.count >= samples:
            span = self.high - self.low + 1
            self.interval = max(1, -(-span // samples))
            self.size = -(-span // self.interval)


@endpoints.add("events.scalar_metrics_iter_histogram")
async def scalar_metrics_iter_histogram(reader: Reader, caller: Caller, request: ScalarMetricsIterHistogram) -> Answer:
    """``{metric: {variant: {name: variant, x: [...], y: [...]}}}``, groups of curves by bucket width."""
    entity = await reader.entity(caller, request.task, request.model_events)
    answer: dict[str, dict[str, Any]] = {}
    for curve, points in await read_curves(reader, entity, request):
        answer.setdefault(curve.metric, {})[curve.variant] = {"name": curve.variant, **points}
    return answer


@endpoints.add("events.multi_task_scalar_metrics_iter_histogram")
async def multi_task_scalar_metrics_iter_histogram(
    reader: Reader, caller: Caller, request: MultiTaskScalarMetricsIterHistogram
) -> Answer:
    """``{"metrics": {metric: {variant: {task: {name: task name, x, y}}}}}``; each entity as if asked for alone."""
    entities = await reader.entities(caller, request.tasks, request.model_events)
    answers = await asyncio.gather(*(read_curves(reader, entity, request) for entity in entities))
    metrics: dict[str, dict[str, dict[str, Any]]] = {}
    for entity, curves in zip(entities, answers, strict=True):
        for curve, points in curves:
            by_task = metrics.setdefault(curve.metric, {}).setdefault(curve.variant, {})
            by_task[entity.id] = {"name": entity.name, **points}
    return {"metrics": metrics}


async def read_curves(reader: Reader, entity: Entity, request: Sampling) -> list[tuple[Curve, dict[str, Any]]]:
    """The entity's curves with their points (x, y and, where it has one, x_axis_label), in the answer's order."""
    condition, parameters = filter_sql(request.metrics)
    parameters |= of_entity(entity)
    texts = _texts(request, parameters) | {"$filter": condition, "$points": POINTS}
    rows = await reader.store.read(fill(RANGES_SQL, texts), parameters)
    curves = [Curve(row["metric"], row["variant"], row["n"], row["lo"], row["hi"]) for row in rows]
    for curve in curves:
        curve.sample(request.samples)
    ordered = [curve for group in group_curves(curves) for curve in group]
    if not ordered:
        return []
    texts |= _interval_texts(ordered, parameters)
    buckets, labels = await asyncio.gather(
        reader.store.read(fill(BUCKETS_SQL, texts), parameters), reader.store.read(LABELS_SQL, of_entity(entity))
    )
    return _points(ordered, buckets, labels, request.key)


def group_curves(curves: Iterable[Curve]) -> list[list[Curve]]:
    """Section 3.18, step 2: groups of curves of like widths; all of a group take its largest."""
    groups: list[list[Curve]] = []
    for curve in sorted(curves, key=lambda curve: curve.interval):
        if not groups or not _fits(groups[-1], curve):
            groups.append([])
        groups[-1].append(curve)
    for group in groups:
        widest = max(curve.interval for curve in group)
        for curve in group:
            curve.interval = widest
    return [sorted(group, key=lambda curve: (curve.metric, curve.variant)) for group in groups]


def _fits(group: Sequence[Curve], curve: Curve) -> bool:
    first = group[0].interval
    return (
        curve.interval <= first + first * GROUP_SPREAD_PERCENT // 100
        and sum(member.size for member in group) + curve.size <= MAX_SAMPLES
        and len(group) < GROUP_CURVES
    )


def _texts(request: Sampling, parameters: dict[str, Any]) -> dict[str, str]:
    field, condition = "iter", "1"
    if request.key != "iter":
        field, condition = "timestamp", f"timestamp != {INT64_MAX}"
    if (request.x_min, request.x_max) != (INT64_MIN, INT64_MAX):
        parameters |= {"x_min": request.x_min, "x_max": request.x_max}
        condition += f" AND {field} BETWEEN {{x_min:Int64}} AND {{x_max:Int64}}"
    aggregates = AGGREGATES[request.aggregation]
    columns = ("x", *aggregates)
    return {
        "$aggregates": ", ".join(f"{sql} AS bucket_{name}" for name, sql in aggregates.items()),
        "$columns": ", ".join(["start", *(f"bucket_{name}" for name in aggregates)]),
        "$arrays": ", ".join(
            f"arrayMap(bucket -> tupleElement(bucket, {place}), buckets) AS {name}"
            for place, name in enumerate(columns, 1)
        ),
        "$field": field,
        "$has_field": condition,
    }


def _interval_texts(curves: Sequence[Curve], parameters: dict[str, Any]) -> dict[str, str]:
    """One width for all is a constant of the statement; else each curve's is joined in. INT64_MAX spans everything."""
    widths = [min(curve.interval, INT64_MAX) for curve in curves]
    if len(set(widths)) == 1:
        parameters["interval"] = widths[0]
        return {"$interval": "{interval:Int64}", "$join": ""}
    parameters["curve_metrics"] = [curve.metric for curve in curves]
    parameters["curve_variants"] = [curve.variant for curve in curves]
    parameters["curve_widths"] = widths
    return {"$interval": "width", "$join": INTERVALS_JOIN}


def _points(
    curves: Iterable[Curve], buckets: Iterable[dict[str, Any]], labels: Iterable[dict[str, Any]], key: Key
) -> list[tuple[Curve, dict[str, Any]]]:
    found = {(row.pop("metric"), row.pop("variant")): row for row in buckets}
    for row in labels:
        if (row["metric"], row["variant"]) in found:
            found[row["metric"], row["variant"]]["x_axis_label"] = row["text"]
    if key == "iso_time":
        for points in found.values():
            points["x"] = [iso_time(start) for start in points["x"]]
    return [(curve, found[curve.metric, curve.variant]) for curve in curves if (curve.metric, curve.variant) in found]
