"""What the metric index knows of curves before any point is read. Two statements, at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from query.rows import MetricFilter, Row, among, fill, filter_sql, of_entities
from schema.living import DELETIONS_SQL
from schema.registry import Entity
from schema.store import Store
from schema.tables import SCALAR, SINGLE_VALUE_ITER

INDEX_SQL = f"""
SELECT task, metric, variant, since, since_reset,
    min(min_iter) AS low, max(max_iter) AS high, max(label).text AS label
FROM metric_index WHERE $entities AND event_type = '{SCALAR}' AND $filter
GROUP BY task, metric, variant, since, since_reset ORDER BY since
"""


@dataclass(frozen=True)
class Index:
    """``curves``: ``task``, ``metric``, ``variant``, ``low`` and ``high`` (iterations), ``label`` of the x axis.

    ``is_whole``: the entities have no others. ``companies``: under which events are stored. ``deleted``: the ``seq``
    that an entity's rows have to exceed.
    """

    curves: Sequence[Row]
    is_whole: bool
    companies: Sequence[str]
    deleted: Mapping[str, int]


async def scalar_curves(store: Store, entities: Sequence[Entity], filters: Sequence[MetricFilter]) -> Index:
    """Curves with iterations, of all entities; single values are none."""
    condition, parameters = filter_sql(filters)
    where = of_entities(entities)
    of_them, names = among(**where)
    statement = fill(INDEX_SQL, {"$filter": condition, "$entities": of_them})
    rows, deletions = await asyncio.gather(store.read(statement, parameters | names), store.read(DELETIONS_SQL, where))
    resets = dict.fromkeys(where["tasks"], 0) | {row["task"]: row["reset"] for row in deletions}
    deleted = dict.fromkeys(where["tasks"], 0) | {row["task"]: row["deleted"] for row in deletions}
    return Index(_living(rows, resets, deleted), not filters, where["companies"], deleted)


def _living(rows: Sequence[Row], resets: Mapping[str, int], deleted: Mapping[str, int]) -> list[Row]:
    """A row a curve. A label outlives a deletion of events, if the curve goes on."""
    curves: list[Row] = []
    labels: dict[tuple[str, str, str], str] = {}
    for row in rows:
        key = row["task"], row["metric"], row["variant"]
        if row["since_reset"] == resets[row["task"]]:
            labels[key] = row["label"] or labels.get(key, "")
            if row["since"] == deleted[row["task"]] and row["low"] <= row["high"] and row["high"] > SINGLE_VALUE_ITER:
                curves.append(row | {"label": labels[key]})
    return curves
