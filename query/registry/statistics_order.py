"""Lists that are filtered or sorted by statistics, which only the store knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from query.cache import statistics
from query.context import QueryContext
from schema.api.visibility import view_of
from schema.api.wire import Caller
from schema.registry import Between, Condition, Kind, Order


def is_statistic(field: str) -> bool:
    """Tell whether only the store knows a field."""
    return field.split(".")[0] in statistics.FIELDS


async def ids_by_statistics(
    context: QueryContext,
    caller: Caller,
    kind: Kind,
    condition: Condition,
    order: Sequence[Order],
    filters: Mapping[str, Between],
) -> list[str]:
    """Return the ids of all documents that match, sorted. ``filters``: ranges of statistics, by field."""
    order = order or [Order("created")]
    fields = [by.field for by in order if not is_statistic(by.field)]
    rows = await context.registry.find_values(kind, view_of(caller), condition, fields)
    storage = {key: row[0] for key, row in rows.items()}
    names = {by.field for by in order if is_statistic(by.field)} | filters.keys()
    values: dict[str, Mapping[str, Any]] = {n: await context.caches.statistics.columns.of(storage, n) for n in names}
    values |= {name: {key: row[place] for key, row in rows.items()} for place, name in enumerate(fields, 1)}
    ids = sorted(storage)
    for name, bounds in filters.items():
        ids = [key for key in ids if _lies(values[name][key], bounds)]
    for place in reversed(range(len(order))):
        by = order[place]
        ids = sorted_by(ids, values[by.field], by.descending, empty_last=by.descending or place == 0)
    return ids


def sorted_by(ids: Sequence[str], values: Mapping[str, Any], descending: bool, empty_last: bool) -> list[str]:
    """Sort by numbers, then by texts, which do not compare with them; ties, and ids without a value, stay in order."""
    groups: list[list[str]] = [[], [], []]
    for key in ids:
        value = values[key]
        groups[1 if isinstance(value, int | float) else 2 if isinstance(value, str) and value else 0].append(key)
    for group in groups[1:]:
        group.sort(key=values.__getitem__, reverse=descending)
    empty, numbers, texts = groups
    found = texts + numbers if descending else numbers + texts
    return found + empty if empty_last else empty + found


def _lies(value: float | None, bounds: Between) -> bool:
    """Tell whether a number lies in a range; none does where there is no lower bound."""
    if value is None:
        return bounds.low is None
    return (bounds.low is None or value >= float(bounds.low)) and (bounds.high is None or value <= float(bounds.high))
