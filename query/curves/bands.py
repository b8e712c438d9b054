"""One metric of many tasks as bands: how the tasks of a group differ, bucket by bucket (API contract 6.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from query.context import QueryContext
from query.curves.curve_index import CurveIndex, scalar_curves
from query.curves.downsampling import MAX_SAMPLES
from query.sql.statements import Int64, MetricFilter, entities_condition, fill
from query.sql.threads import threads
from schema.api.requests import Integer, Request
from schema.api.wire import Answer, Caller, Endpoints, Reply, Tier
from schema.errors import BadValue
from schema.events.rows import Row
from schema.events.tables import INT64_MAX, INT64_MIN, SINGLE_VALUE_ITER
from schema.fairness.computing import compute
from schema.registry import Entity
from schema.store.tombstone_filters import SEQ_SQL

MAX_TASKS = 1000  # of all groups
MAX_GROUPS = 100
MAX_QUANTILES = 20
STATISTICS = ("count", "mean", "std", "min", "max")

VALUES = f"""
    FROM scalars FINAL
    PREWHERE $entities AND metric = {{metric:String}} AND variant = {{variant:String}}
        AND iter > {SINGLE_VALUE_ITER}$living
    WHERE has_iter AND value IS NOT NULL AND iter BETWEEN {{x_min:Int64}} AND {{x_max:Int64}}"""
ENDS_SQL = f"SELECT min(iter) AS first, max(iter) AS last {VALUES}$threads"
# A task counts once in a bucket, with the mean of its values there, however many it has.
BANDS_SQL = f"""
SELECT band, start AS x, count() AS count, avg(y) AS mean, stddevPop(y) AS std, min(y) AS min, max(y) AS max,
    quantilesExactInclusive($quantiles)(y) AS quantiles
FROM
(
    SELECT transform(task, {{tasks:Array(String)}}, {{bands:Array(UInt32)}}, toUInt32(0)) AS band,
        iter - positiveModulo(iter, {{width:Int64}}) AS start, avg(value) AS y
    {VALUES}
    GROUP BY task, start
)
GROUP BY band, start ORDER BY band, start$threads
"""
LIVING_SQL = f" AND {SEQ_SQL} > transform(task, {{tasks:Array(String)}}, {{deleted:Array(UInt64)}}, toUInt64(0))"

endpoints = Endpoints(Tier.QUERY)

Group = Annotated[list[str], Field(min_length=1, max_length=MAX_TASKS)]
Quantile = Annotated[float, Field(ge=0, le=1)]


class ScalarMetricsBands(Request):
    """The curve of one metric and variant in groups of tasks. ``samples``: buckets over the whole axis."""

    groups: Annotated[list[Group], Field(min_length=1, max_length=MAX_GROUPS)]
    metric: str
    variant: str
    samples: Annotated[Integer, Field(ge=1, le=MAX_SAMPLES)] = 1000
    quantiles: Annotated[list[Quantile], Field(min_length=1, max_length=MAX_QUANTILES)] = [0.25, 0.5, 0.75]
    x_min: Int64 = INT64_MIN
    x_max: Int64 = INT64_MAX

    @property
    def tasks(self) -> list[str]:
        """The tasks of all groups. Raises BadValue if there are too many, or one is there twice."""
        tasks = list(chain.from_iterable(self.groups))
        if len(tasks) > MAX_TASKS:
            raise BadValue(f"groups: at most {MAX_TASKS} tasks in all")
        if len(set(tasks)) < len(tasks):
            raise BadValue("groups: a task is in one group, once")
        return tasks


@endpoints.add("events.scalar_metrics_bands", "2.34")
async def scalar_metrics_bands(context: QueryContext, caller: Caller, request: ScalarMetricsBands) -> Reply:
    """Return ``{"interval", "groups": [{"tasks", "x", "count", "mean", "std", "min", "max", "quantiles"}]}``.

    ``interval``: the width of a bucket, in iterations; ``tasks``: of the group, with such a curve; the others are
    arrays, a number for each bucket in which a task of the group has a value; ``quantiles``: such an array for each
    wanted one. Raises BadValue and InvalidTask.
    """
    entities = await context.entities(caller, request.tasks)
    return await context.caches.responses.answer(request, entities, lambda: _bands(context, entities, request))


async def _bands(context: QueryContext, entities: Sequence[Entity], request: ScalarMetricsBands) -> Answer:
    wanted = [MetricFilter(metric=request.metric, variants=[request.variant])]
    index = await scalar_curves(context.caches.entity_index, entities, wanted)
    curves = [row for row in index.curves if row["low"] <= request.x_max and row["high"] >= request.x_min]
    values = _Values(context, index, curves, request)
    width = _width(*await values.ends(), request.samples) if curves else 1
    groups = [{"tasks": len({row["task"] for row in curves}.intersection(group))} for group in request.groups]
    bands = await values.bands(width) if curves else [_empty(request)] * len(groups)
    return {"interval": width, "groups": [group | band for group, band in zip(groups, bands, strict=True)]}


def _width(first: int, last: int, samples: int) -> int:
    """Return how many iterations a bucket is wide, the same for all tasks."""
    return min(max(1, -(-(last - first + 1) // samples)), INT64_MAX)


class _Values:
    """The values of some curves of the index, at least one, that a request is about."""

    def __init__(
        self, context: QueryContext, index: CurveIndex, curves: Sequence[Row], request: ScalarMetricsBands
    ) -> None:
        self._store = context.store
        self._curves = curves
        self._request = request
        tasks = [row["task"] for row in curves]
        numbers = {task: number for number, group in enumerate(request.groups, 1) for task in group}
        deleted = [index.deleted[task] for task in tasks]
        entities, self._parameters = entities_condition(index.companies, tasks)
        self._parameters |= request.model_dump(include={"metric", "variant", "x_min", "x_max"})
        self._parameters |= {"tasks": tasks, "bands": [numbers[task] for task in tasks], "deleted": deleted}
        self._texts = {"$entities": entities, "$living": LIVING_SQL if any(deleted) else ""}
        self._texts |= {"$threads": threads(sum(row["high"] - row["low"] + 1 for row in curves))}

    async def ends(self) -> tuple[int, int]:
        """Return the first and the last iteration; the index does not tell the first one beside a single value."""
        first, last = min(row["low"] for row in self._curves), max(row["high"] for row in self._curves)
        if first <= SINGLE_VALUE_ITER:
            (row,) = await self._store.read(fill(ENDS_SQL, self._texts), self._parameters)
            first, last = row["first"], row["last"]
        return max(first, self._request.x_min), min(last, self._request.x_max)

    async def bands(self, width: int) -> list[dict[str, Any]]:
        """Return the columns of each group."""
        texts = self._texts | {"$quantiles": ", ".join(map(repr, self._request.quantiles))}
        table = await self._store.read_table(fill(BANDS_SQL, texts), self._parameters | {"width": width})
        return await compute(_arrays, table, len(self._request.groups))


def _arrays(table: pa.Table, groups: int) -> list[dict[str, Any]]:
    """Return the columns of each group, numbered from 1, as arrays."""
    columns = {name: table[name].to_numpy() for name in ("x", *STATISTICS)}
    quantiles = table["quantiles"].combine_chunks().values.to_numpy().reshape(len(table), -1)
    quantiles = np.ascontiguousarray(quantiles.T)  # as JSON takes arrays
    bounds = np.searchsorted(table["band"].to_numpy(), np.arange(1, groups + 2))
    return [_group(columns, quantiles, slice(*run)) for run in pairwise(bounds)]


def _group(columns: Mapping[str, np.ndarray], quantiles: np.ndarray, run: slice) -> dict[str, Any]:
    return {name: values[run] for name, values in columns.items()} | {"quantiles": [of[run] for of in quantiles]}


def _empty(request: ScalarMetricsBands) -> dict[str, Any]:
    return {name: [] for name in ("x", *STATISTICS)} | {"quantiles": [[] for _ in request.quantiles]}
