"""Points of runs as MLflow knows them: the latest of each metric, all of one, or some of one of several runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from query.context import QueryContext
from query.sql.statements import entities_parameters, entity_parameters
from schema.adapters.metric_keys import key_of, metric_and_variant
from schema.events.rows import Row
from schema.events.tables import INT64_MAX, SCALAR
from schema.fairness.computing import compute_if
from schema.registry import Entity
from schema.store.tombstone_filters import (
    DELETED_SEQS_SQL,
    NOT_DELETED_MANY_SQL,
    NOT_DELETED_SQL,
    OF_ENTITIES_SQL,
    OF_ENTITY_SQL,
)

MANY = 500  # points, from which on to convert them takes longer than others should wait
START = (-(2**63), 0)  # before the first point: step and seq
NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

# The index says where each curve ends; only the points there are read.
LATEST_SQL = f"""
SELECT task, metric, variant,
    argMax(tuple(iter, timestamp, value, extras), tuple(iter, timestamp, seq)) AS latest
FROM scalars FINAL
PREWHERE {OF_ENTITIES_SQL} AND has_iter AND (task, metric, variant, iter) IN (
    SELECT task, metric, variant, max(max_iter) FROM metric_index
    WHERE {OF_ENTITIES_SQL} AND event_type = '{SCALAR}' AND since = {DELETED_SEQS_SQL}[task]
    GROUP BY task, metric, variant)
WHERE {NOT_DELETED_MANY_SQL}
GROUP BY task, metric, variant ORDER BY task, metric, variant
"""
OF_CURVE_SQL = "metric = {metric:String} AND variant = {variant:String} AND has_iter"
HISTORY_SQL = f"""
SELECT iter, timestamp, value, extras, seq FROM scalars FINAL
PREWHERE {OF_ENTITY_SQL} AND {OF_CURVE_SQL} AND iter >= {{place:Int64}}
WHERE {NOT_DELETED_SQL} AND (iter, seq) > ({{place:Int64}}, {{seq:UInt64}})
ORDER BY iter, seq LIMIT {{size:UInt32}}
"""
# Of each run every n-th point, so that there are about ``size``, and the last.
INTERVAL_SQL = f"""
SELECT task, iter, timestamp, value, extras FROM
(
    SELECT task, iter, timestamp, value, extras, row_number() OVER (PARTITION BY task ORDER BY iter, seq) AS place,
        count() OVER (PARTITION BY task) AS points
    FROM scalars FINAL
    PREWHERE {OF_ENTITIES_SQL} AND {OF_CURVE_SQL} AND iter BETWEEN {{low:Int64}} AND {{high:Int64}}
    WHERE {NOT_DELETED_MANY_SQL}
)
WHERE place = points OR (place - 1) % greatest(1, ceil(points / {{size:UInt32}})) = 0
ORDER BY task, iter
"""


async def latest_metrics(context: QueryContext, runs: Sequence[Entity]) -> dict[str, list[Row]]:
    """Return the point of each metric at the greatest step of some runs, by run."""
    if not runs:
        return {}
    rows = await context.store.read(LATEST_SQL, entities_parameters(runs))
    return await compute_if(len(rows) >= MANY, _by_run, [run.id for run in runs], rows)


def _by_run(runs: Iterable[str], rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {run: [] for run in runs}
    for row in rows:
        step, timestamp, value, extras = _values(row["latest"])
        point = {"iter": step, "timestamp": timestamp, "value": value, "extras": extras}
        found[row["task"]].append(metric_of(key_of(row["metric"], row["variant"]), point))
    return found


async def history(
    context: QueryContext, run: Entity, key: str, position: tuple[int, int], size: int
) -> tuple[list[Row], tuple[int, int] | None]:
    """Return the points of a metric after a position, by step, and the position after them; None: there are no more."""
    place, seq = position
    parameters = _curve(key) | {"place": place, "seq": seq, "size": size} | entity_parameters(run)
    rows = await context.store.read(HISTORY_SQL, parameters)
    end = (rows[-1]["iter"], rows[-1]["seq"]) if len(rows) == size else None
    return await compute_if(len(rows) >= MANY, _metrics, key, rows), end


def _metrics(key: str, rows: Iterable[Row]) -> list[Row]:
    return [metric_of(key, row) for row in rows]


async def interval(
    context: QueryContext, runs: Sequence[Entity], key: str, steps: tuple[int, int], size: int
) -> list[Row]:
    """Return about ``size`` points of a metric of each run, between two steps."""
    parameters = _curve(key) | {"low": steps[0], "high": steps[1], "size": size} | entities_parameters(runs)
    rows = await context.store.read(INTERVAL_SQL, parameters)
    return [metric_of(key, row) | {"run_id": row["task"]} for row in rows]


def metric_of(key: str, row: Row) -> Row:
    """Return a point as MLflow has it; values that JSON has no number for are texts, as protobuf's JSON has them."""
    extras: dict[str, Any] = json.loads(row["extras"]) if row["extras"] else {}
    value = extras.pop("exact_value", None) if row["value"] is None else float(row["value"])
    timestamp = 0 if row["timestamp"] == INT64_MAX else row["timestamp"]
    told = {name: text for name, text in extras.items() if name in ("model_id", "dataset_name", "dataset_digest")}
    return {"key": key, "value": "NaN" if value is None else _number(value), "timestamp": timestamp} | {
        "step": row["iter"],
        **told,
    }


def number_of(metric: Row) -> float:
    """Return the value of a point of ``metric_of`` as a number."""
    value = metric["value"]
    return NOT_FINITE[value] if isinstance(value, str) else float(value)


def _number(value: Any) -> float | str:
    """Return a number that was kept as text, or the text of one that is not finite."""
    if value in NOT_FINITE:
        return str(value)
    try:
        return float(value)
    except (TypeError, ValueError):  # a field of that name that a client of ClearML's API sent
        return "NaN"


def _values(latest: Any) -> Iterable[Any]:
    return latest.values() if isinstance(latest, dict) else latest


def _curve(key: str) -> Row:
    metric, variant = metric_and_variant(key)
    return {"metric": metric, "variant": variant}
