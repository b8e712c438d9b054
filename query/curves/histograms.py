"""Downsampled curves: the two scalar histograms (API contract 3.18 and 3.19).

The metric index says which curves there are and from where to where they go. Mostly that is enough to know the width of
buckets, and the points are read once. Curves whose points turn out to need another width are read once more. Long
curves with wide buckets need not be read whole (``query/curves/rollup_source.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from query.context import QueryContext
from query.curves.downsampling import MANY_CURVES, MAX_SAMPLES, Curve, sampled
from query.curves.row_source import Drawing
from query.curves.sources import PointSources, open_sources
from query.sql.statements import Axis, MetricFilter
from schema.api.requests import Boolean, Integer
from schema.api.wire import Answer, Caller, Endpoints, Reply, Tier
from schema.events.render import iso_time
from schema.events.rows import Row
from schema.events.tables import SINGLE_VALUE_ITER
from schema.fairness.computing import compute_if
from schema.registry import Entity

CurveAnswer = dict[str, Any]  # x, y and the other aggregates of a curve
Drawn = list[tuple[Curve, CurveAnswer]]

endpoints = Endpoints(Tier.QUERY)


class Sampling(Drawing):
    """The parameters of downsampling."""

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
async def scalar_metrics_iter_histogram(
    context: QueryContext, caller: Caller, request: ScalarMetricsIterHistogram
) -> Reply:
    """Return ``{metric: {variant: {name: variant, x: [...], y: [...]}}}``.

    Curves come in groups by bucket width.
    """
    entity = await context.entity(caller, request.task, request.model_events)
    return await context.caches.responses.answer(request, [entity], lambda: _of_one(context, entity, request))


async def _of_one(context: QueryContext, entity: Entity, request: Sampling) -> Answer:
    curves = await read_curves(context, [entity], request)
    return await compute_if(len(curves) > MANY_CURVES, _by_metric, curves, request.key)


def _by_metric(curves: Drawn, key: Axis) -> Answer:
    answer: dict[str, dict[str, Any]] = {}
    for curve, points in curves:
        answer.setdefault(curve.metric, {})[curve.variant] = _labelled(curve.variant, curve, points, key)
    return answer


@endpoints.add("events.multi_task_scalar_metrics_iter_histogram")
async def multi_task_scalar_metrics_iter_histogram(
    context: QueryContext, caller: Caller, request: MultiTaskScalarMetricsIterHistogram
) -> Reply:
    """Return ``{"metrics": {metric: {variant: {task: {name: task name, x, y}}}}}``.

    Each entity is sampled as if it were asked for alone.
    """
    entities = await context.entities(caller, request.tasks, request.model_events)
    return await context.caches.responses.answer(
        request, entities, lambda: curves_of_several(context, entities, request)
    )


async def curves_of_several(context: QueryContext, entities: Sequence[Entity], request: Sampling) -> Answer:
    """Read the curves of entities, as ``multi_task_scalar_metrics_iter_histogram`` answers them."""
    names = {entity.id: entity.name for entity in entities}
    curves = await read_curves(context, entities, request)
    return await compute_if(len(curves) > MANY_CURVES, _by_task, curves, names, request.key)


def _by_task(curves: Drawn, names: Mapping[str, str], key: Axis) -> Answer:
    metrics: dict[str, dict[str, dict[str, Any]]] = {}
    for curve, points in curves:
        by_task = metrics.setdefault(curve.metric, {}).setdefault(curve.variant, {})
        by_task[curve.task] = _labelled(names[curve.task], curve, points, key)
    return {"metrics": metrics}


async def read_curves(context: QueryContext, entities: Sequence[Entity], request: Sampling) -> Drawn:
    """Return the curves of each entity in turn, in the answer's order, with their points."""
    sources = await open_sources(context, entities, request.metrics, request, request.samples)
    curves = await _expected(sources, request)
    drawn = await _draw(curves, [entity.id for entity in entities], request.samples, sources)
    sources.keep(drawn)
    return drawn


async def _expected(sources: PointSources, request: Sampling) -> list[Curve]:
    """Return the curves as the index knows them: one event for each iteration."""
    known = sources.index.curves
    curves = [Curve(row["metric"], row["variant"], 0, 0, 0, task=row["task"], label=row["label"]) for row in known]
    if request.key != "iter":
        return list(_learned(await sources.rows(curves).ranges())) if curves else []
    for curve, row in zip(curves, known, strict=True):
        curve.low = max(row["low"], request.x_min, SINGLE_VALUE_ITER + 1)
        curve.high = min(row["high"], request.x_max)
        curve.count = curve.high - curve.low + 1
    return [curve for curve in curves if curve.count > 0]


async def _draw(curves: list[Curve], tasks: list[str], samples: int, sources: PointSources) -> Drawn:
    """Return the points of the curves, read once more where buckets need another width than expected."""
    are_many = len(curves) > MANY_CURVES
    points = await _buckets(await compute_if(are_many, sampled, curves, tasks, samples), sources)
    expected = {curve: curve.interval for curve in points}
    curves = await compute_if(are_many, sampled, points, tasks, samples)
    points |= await _buckets([curve for curve in curves if curve.interval != expected[curve]], sources)
    return [(curve, points[curve]) for curve in curves]


async def _buckets(curves: Sequence[Curve], sources: PointSources) -> dict[Curve, CurveAnswer]:
    found = await asyncio.gather(*(source.buckets() for source in sources.of(curves)))
    return {curve: points for rows in found for curve, points in _learned(rows).items()}


def _learned(rows: Sequence[tuple[Curve, Row]]) -> dict[Curve, CurveAnswer]:
    for curve, row in rows:
        curve.learn(row)
    return dict(rows)


def _labelled(name: str, curve: Curve, points: CurveAnswer, key: Axis) -> CurveAnswer:
    if key == "iso_time":
        points["x"] = [iso_time(start) for start in points["x"].tolist()]
    label = {"x_axis_label": curve.label} if curve.label else {}
    return {"name": name, **points, **label}
