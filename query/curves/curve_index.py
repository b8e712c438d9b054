"""The curves of entities, from the metric index, before any point is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from query.cache.entity_index import EntityIndexCache
from query.curves.downsampling import MANY_CURVES
from query.sql.metric_index import IndexRow
from query.sql.statements import MetricFilter, entities_parameters
from query.sql.tombstones import newest_deletion, newest_reset
from schema.events.rows import Row
from schema.events.tables import SCALAR
from schema.fairness.computing import compute_if
from schema.registry import Entity


@dataclass(frozen=True)
class CurveIndex:
    """The curves of some entities, and what restricts their rows.

    ``curves``: ``task``, ``metric``, ``variant``, ``low`` and ``high`` (iterations), ``label`` of the x axis.
    ``is_whole``: the entities have no other curves. ``companies``: under which events are stored. ``deleted``: the
    ``seq`` that an entity's rows have to exceed.
    """

    curves: Sequence[Row]
    is_whole: bool
    companies: Sequence[str]
    deleted: Mapping[str, int]


async def scalar_curves(
    known: EntityIndexCache, entities: Sequence[Entity], filters: Sequence[MetricFilter]
) -> CurveIndex:
    """Return the curves with iterations of all entities; single values are no curves."""
    facts = await known.of(entities, filters, SCALAR)
    resets = {task: newest_reset(stones) for task, stones in facts.tombstones.items()}
    deleted = {task: newest_deletion(stones) for task, stones in facts.tombstones.items()}
    curves = await compute_if(len(facts.index) > MANY_CURVES, _living, facts.index, resets, deleted)
    return CurveIndex(curves, not filters, entities_parameters(entities)["companies"], deleted)


def _living(rows: Sequence[IndexRow], resets: Mapping[str, int], deleted: Mapping[str, int]) -> list[Row]:
    """Return a row for each curve. A label outlives a deletion of events, if the curve goes on."""
    curves: list[Row] = []
    labels: dict[tuple[str, str, str], str] = {}
    for row in sorted(rows, key=lambda row: row.since):
        key = row.task, row.metric, row.variant
        if row.since_reset == resets[row.task]:
            labels[key] = row.label or labels.get(key, "")
            if row.since == deleted[row.task] and row.is_on_axis:
                names = dict(zip(("task", "metric", "variant"), key, strict=True))
                curves.append(names | {"low": row.low, "high": row.high, "label": labels[key]})
    return curves
