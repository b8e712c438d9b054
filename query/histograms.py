"""Downsampled curves: the two scalar histograms (specification sections 3.18 and 3.19).

Two statements an answer: the range of each curve, from which follow the bucket widths, and the buckets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from query.reader import Reader
from query.rows import Int64, Key, MetricFilter, fill, filter_sql, of_entities, of_entity
from schema.events import iso_time
from schema.living import ENTITIES, ENTITY, LIVING, LIVING_MANY, SINCE_RESET, SINCES_RESET
from schema.registry import Entity
from schema.requests import Boolean, Integer, Request
from schema.tables import INT64_MAX, INT64_MIN, SCALAR, SINGLE_VALUE_ITER
from schema.wire import Answer, Caller, Endpoints, Tier

MAX_SAMPLES = 6000  # also of a group of curves
GROUP_CURVES = 50
GROUP_SPREAD_PERCENT = 10

# How the rows of one entity are chosen and told apart, and those of several.
ONE = {"$keys": "metric, variant", "$entity": ENTITY, "$living": LIVING, "$since_reset": SINCE_RESET}
SEVERAL = {
    "$keys": "task, metric, variant",
    "$entity": ENTITIES,
    "$living": LIVING_MANY,
    "$since_reset": f"{SINCES_RESET}[task]",
}
POINTS = f"$entity AND $living AND has_iter AND iter > {SINGLE_VALUE_ITER} AND $has_field AND $filter"
RANGES_SQL = f"""
SELECT $keys, count() AS n, min($field) AS lo, max($field) AS hi FROM scalars FINAL WHERE {POINTS}
GROUP BY $keys ORDER BY $keys
"""
BUCKETS_SQL = f"""
WITH arraySort(bucket -> tupleElement(bucket, 1), groupArray(($columns))) AS buckets
SELECT $keys, $arrays
FROM
(
    SELECT $keys, $field - positiveModulo($field, $interval) AS start, $aggregates
    FROM scalars FINAL$join WHERE {POINTS}
    GROUP BY $keys, start
)
GROUP BY $keys
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
    INNER JOIN (SELECT $names FROM (SELECT arrayJoin(arrayZip($values)) AS curve)) AS widths USING ($keys)"""
LABELS_SQL = f"""
SELECT $keys, tupleElement(max(label), 'text') AS text
FROM metric_index WHERE $entity AND event_type = '{SCALAR}' AND since_reset = $since_reset
GROUP BY $keys HAVING text != ''
"""

Points = dict[str, Any]  # x, y and whatever else is drawn of a curve

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
    """A metric and variant of an entity: ``count`` events of ``low`` to ``high``, and the bucket width that follows."""

    metric: str
    variant: str
    count: int
    low: int
    high: int
    interval: int = 1
    size: int = 0
    task: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it apart."""
        return self.task, self.metric, self.variant

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
    for curve, points in await read_curves(reader, [entity], request):
        answer.setdefault(curve.metric, {})[curve.variant] = {"name": curve.variant, **points}
    return answer


@endpoints.add("events.multi_task_scalar_metrics_iter_histogram")
async def multi_task_scalar_metrics_iter_histogram(
    reader: Reader, caller: Caller, request: MultiTaskScalarMetricsIterHistogram
) -> Answer:
    """``{"metrics": {metric: {variant: {task: {name: task name, x, y}}}}}``; each entity as if asked for alone."""
    entities = await reader.entities(caller, request.tasks, request.model_events)
    names = {entity.id: entity.name for entity in entities}
    metrics: dict[str, dict[str, dict[str, Any]]] = {}
    for curve, points in await read_curves(reader, entities, request):
        by_task = metrics.setdefault(curve.metric, {}).setdefault(curve.variant, {})
        by_task[curve.task] = {"name": names[curve.task], **points}
    return {"metrics": metrics}


async def read_curves(reader: Reader, entities: Sequence[Entity], request: Sampling) -> list[tuple[Curve, Points]]:
    """The curves of each entity in turn, in the answer's order, with their points."""
    condition, parameters = filter_sql(request.metrics)
    alone = entities[0].id if len(entities) == 1 else None
    parameters |= of_entity(entities[0]) if alone else of_entities(entities)
    texts = (ONE if alone else SEVERAL) | _texts(request, parameters) | {"$filter": condition}

    async def read(sql: str) -> list[Points]:
        rows = await reader.store.read(fill(fill(sql, texts), texts), parameters)
        return [{"task": alone} | row for row in rows] if alone else rows

    curves = _sampled(await read(RANGES_SQL), entities, request.samples)
    if not curves:
        return []
    texts |= _interval_texts(curves, parameters, texts["$keys"])
    buckets, labels = await asyncio.gather(read(BUCKETS_SQL), read(LABELS_SQL))
    return _points(curves, buckets, labels, request.key)


def _sampled(ranges: Iterable[dict[str, Any]], entities: Iterable[Entity], samples: int) -> list[Curve]:
    """Curves with their bucket widths, each entity's by themselves."""
    by_task: dict[str, list[Curve]] = {entity.id: [] for entity in entities}
    for row in ranges:
        curve = Curve(row["metric"], row["variant"], row["n"], row["lo"], row["hi"], task=row["task"])
        curve.sample(samples)
        by_task[curve.task].append(curve)
    return [curve for curves in by_task.values() for group in group_curves(curves) for curve in group]


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


def _interval_texts(curves: Sequence[Curve], parameters: dict[str, Any], keys: str) -> dict[str, str]:
    """One width for all is a constant of the statement; else each curve's is joined in. INT64_MAX spans everything."""
    widths = [min(curve.interval, INT64_MAX) for curve in curves]
    if len(set(widths)) == 1:
        parameters["interval"] = widths[0]
        return {"$interval": "{interval:Int64}", "$join": ""}
    names = keys.split(", ")
    parameters["curve_width"] = widths
    parameters |= {f"curve_{name}": [getattr(curve, name) for curve in curves] for name in names}
    values = [f"{{curve_{name}:Array(String)}}" for name in names]
    texts = {
        "$names": ", ".join(
            f"tupleElement(curve, {place}) AS {name}" for place, name in enumerate([*names, "width"], 1)
        ),
        "$values": ", ".join([*values, "{curve_width:Array(Int64)}"]),
    }
    return {"$interval": "width", "$join": fill(INTERVALS_JOIN, texts | {"$keys": keys})}


def _points(
    curves: Iterable[Curve], buckets: Iterable[Points], labels: Iterable[dict[str, Any]], key: Key
) -> list[tuple[Curve, Points]]:
    found = {(row.pop("task"), row.pop("metric"), row.pop("variant")): row for row in buckets}
    for row in labels:
        if points := found.get((row["task"], row["metric"], row["variant"])):
            points["x_axis_label"] = row["text"]
    if key == "iso_time":
        for points in found.values():
            points["x"] = [iso_time(start) for start in points["x"]]
    return [(curve, found[curve.key]) for curve in curves if curve.key in found]
