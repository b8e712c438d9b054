"""Downsampled curves: the two scalar histograms (specification sections 3.18 and 3.19).

The metric index says which curves there are and from where to where they go. As a rule that suffices to know how wide
buckets are, and the points are read once. What they turn out to be decides: curves whose buckets have to be others are
read once more. Long curves with wide buckets need not be read whole (``query/curves/rollups.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from query.curves.buckets import MAX_SAMPLES, Curve, sampled
from query.curves.scan import Drawing
from query.curves.scans import Scans, scans_of
from query.reader import Reader
from query.rows import Key, MetricFilter
from schema.documents import iso_time
from schema.registry import Entity
from schema.requests import Boolean, Integer
from schema.rows import Row
from schema.tables import SINGLE_VALUE_ITER
from schema.wire import Answer, Caller, Endpoints, Reply, Tier

Points = dict[str, Any]  # x, y and whatever else is drawn of a curve

endpoints = Endpoints(Tier.QUERY)


class Sampling(Drawing):
    """How curves are downsampled."""

    samples: Annotated[Integer, Field(ge=1, le=MAX_SAMPLES)] = 2000
    metrics: list[MetricFilter] = []
    model_events: Boolean = False


class ScalarMetricsIterHistogram(Sampling):
    """The curves of one entity."""

    task: str


class MultiTaskScalarMetricsIterHistogram(Sampling):
    """The curves of several entities."""

    tasks: Annotated[list[str], Field(min_length=1, max_length=100)]


@endpoints.add("events.scalar_metrics_iter_histogram")
async def scalar_metrics_iter_histogram(reader: Reader, caller: Caller, request: ScalarMetricsIterHistogram) -> Reply:
    """``{metric: {variant: {name: variant, x: [...], y: [...]}}}``, groups of curves by bucket width."""
    entity = await reader.entity(caller, request.task, request.model_events)
    return await reader.memory.answer(request, [entity], lambda: _of_one(reader, entity, request))


async def _of_one(reader: Reader, entity: Entity, request: Sampling) -> Answer:
    answer: dict[str, dict[str, Any]] = {}
    for curve, points in await read_curves(reader, [entity], request):
        answer.setdefault(curve.metric, {})[curve.variant] = {"name": curve.variant, **points}
    return answer


@endpoints.add("events.multi_task_scalar_metrics_iter_histogram")
async def multi_task_scalar_metrics_iter_histogram(
    reader: Reader, caller: Caller, request: MultiTaskScalarMetricsIterHistogram
) -> Reply:
    """``{"metrics": {metric: {variant: {task: {name: task name, x, y}}}}}``; each entity as if asked for alone."""
    entities = await reader.entities(caller, request.tasks, request.model_events)
    return await reader.memory.answer(request, entities, lambda: _of_several(reader, entities, request))


async def _of_several(reader: Reader, entities: Sequence[Entity], request: Sampling) -> Answer:
    names = {entity.id: entity.name for entity in entities}
    metrics: dict[str, dict[str, dict[str, Any]]] = {}
    for curve, points in await read_curves(reader, entities, request):
        by_task = metrics.setdefault(curve.metric, {}).setdefault(curve.variant, {})
        by_task[curve.task] = {"name": names[curve.task], **points}
    return {"metrics": metrics}


async def read_curves(reader: Reader, entities: Sequence[Entity], request: Sampling) -> list[tuple[Curve, Points]]:
    """The curves of each entity in turn, in the answer's order, with their points."""
    scans = await scans_of(reader, entities, request.metrics, request, request.samples)
    curves = await _expected(scans, request)
    drawn = await _draw(curves, [entity.id for entity in entities], request.samples, scans)
    scans.keep(drawn)
    return [(curve, _labelled(curve, points, request.key)) for curve, points in drawn]


async def _expected(scans: Scans, request: Sampling) -> list[Curve]:
    """The curves as far as they are known before their points are read: one event for each iteration."""
    known = scans.index.curves
    curves = [Curve(row["metric"], row["variant"], 0, 0, 0, task=row["task"], label=row["label"]) for row in known]
    if request.key != "iter":
        return list(_learned(await scans.rows(curves).ranges())) if curves else []
    for curve, row in zip(curves, known, strict=True):
        curve.low = max(row["low"], request.x_min, SINGLE_VALUE_ITER + 1)
        curve.high = min(row["high"], request.x_max)
        curve.count = curve.high - curve.low + 1
    return [curve for curve in curves if curve.count > 0]


async def _draw(curves: list[Curve], tasks: list[str], samples: int, scans: Scans) -> list[tuple[Curve, Points]]:
    """The points of the curves, read once more where buckets have to be of another width than expected."""
    points = await _buckets(sampled(curves, tasks, samples), scans)
    expected = {curve: curve.interval for curve in points}
    curves = sampled(points, tasks, samples)
    points |= await _buckets([curve for curve in curves if curve.interval != expected[curve]], scans)
    return [(curve, points[curve]) for curve in curves]


async def _buckets(curves: Sequence[Curve], scans: Scans) -> dict[Curve, Points]:
    found = await asyncio.gather(*(source.buckets() for source in scans.of(curves)))
    return {curve: points for rows in found for curve, points in _learned(rows).items()}


def _learned(rows: Sequence[tuple[Curve, Row]]) -> dict[Curve, Points]:
    for curve, row in rows:
        curve.learn(row)
    return dict(rows)


def _labelled(curve: Curve, points: Points, key: Key) -> Points:
    if key == "iso_time":
        points["x"] = [iso_time(start) for start in points["x"].tolist()]
    return points | {"x_axis_label": curve.label} if curve.label else points
