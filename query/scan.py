"""Statements over the points of some curves: how many there are, and what is drawn of them.

Rows are grouped by two numbers, the curve's and its bucket's: names, of which a page of a dashboard has few and a store
many, are looked up once in each part's dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from query.curves import Curve
from query.index import Index
from query.rows import Int64, Key, fill
from schema.living import ENTITIES
from schema.requests import Request
from schema.store import Store
from schema.tables import INT64_MAX, INT64_MIN, SINGLE_VALUE_ITER

# PREWHERE: before rows of one identity are merged, which the highest seq survives; so only by identity and seq.
POINTS = f"""scalars FINAL
    PREWHERE {ENTITIES}$named AND iter > {SINGLE_VALUE_ITER} AND $living
    WHERE has_iter AND $in_range"""
RANGES_SQL = f"""
SELECT $curve AS curve, count() AS count, min($field) AS low, max($field) AS high FROM {POINTS} GROUP BY curve
"""
BUCKETS_SQL = f"""
WITH arraySort(bucket -> tupleElement(bucket, 1), groupArray(($columns))) AS buckets
SELECT curve, sum(events) AS count, min(lowest) AS low, max(highest) AS high, $arrays
FROM
(
    SELECT $curve AS curve, $field - positiveModulo($field, $width) AS start,
        count() AS events, min($field) AS lowest, max($field) AS highest, $aggregates
    FROM {POINTS}
    GROUP BY curve, start
)
GROUP BY curve
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
NAMES = ("task", "metric", "variant")

Row = dict[str, Any]


class Drawing(Request):
    """What is drawn of curves, and which part of them.

    Eventide's own: ``aggregation`` (``minmax`` adds ``y_min`` and ``y_max``), ``x_min`` and ``x_max`` (both included;
    iterations, or ms since the epoch).
    """

    key: Key = "iter"
    aggregation: Literal["mean", "minmax", "last"] = "mean"
    x_min: Int64 = INT64_MIN
    x_max: Int64 = INT64_MAX


class Scan:
    """``curves``: at least one, of those in the index."""

    def __init__(self, store: Store, curves: Sequence[Curve], drawing: Drawing, index: Index) -> None:
        self._store = store
        found = {part: sorted({getattr(curve, part) for curve in curves}) for part in NAMES}
        self._places = {part: {name: place for place, name in enumerate(names)} for part, names in found.items()}
        self._curves = {self._number(curve): curve for curve in curves}
        self._parameters: Row = {f"{part}s": names for part, names in found.items()}
        self._parameters |= {"companies": index.companies, "x_min": drawing.x_min, "x_max": drawing.x_max}
        self._texts = _drawn(drawing) | {"$curve": self._curve(), "$width": self._width()}
        self._texts |= {"$living": self._living(index), "$named": self._named(index)}

    async def ranges(self) -> list[tuple[Curve, Row]]:
        """``count``, ``low`` and ``high`` of each curve that has points."""
        return await self._read(RANGES_SQL)

    async def buckets(self) -> list[tuple[Curve, Row]]:
        """``ranges``, and the columns that are drawn: ``x``, ``y`` and whatever else."""
        return await self._read(BUCKETS_SQL)

    async def _read(self, sql: str) -> list[tuple[Curve, Row]]:
        rows = await self._store.read(fill(fill(sql, self._texts), self._texts), self._parameters)
        return [(self._curves[number], row) for row in rows if (number := row.pop("curve")) in self._curves]

    def _number(self, curve: Curve) -> int:
        """Mixed radix: the places of its names among all of a kind; one place is for a name that is none of them."""
        number = 0
        for part, places in self._places.items():
            number = number * (len(places) + 1) + places[getattr(curve, part)]
        return number

    def _curve(self) -> str:
        """``_number`` of a row, in SQL."""
        number = "toUInt64(0)"
        for part, places in self._places.items():
            place = self._of_name(part, f"{part}_place", places.values(), len(places))
            number = f"({number} * {len(places) + 1} + {place})"
        return number

    def _named(self, index: Index) -> str:
        """The condition that a row is of one of these names; none where that is so of all rows of the entities."""
        wanted = (
            part for part in ("metric", "variant") if len(self._places[part]) == 1 or not self._is_all(part, index)
        )
        return "".join(f" AND {part} IN {{{part}s:Array(String)}}" for part in wanted)

    def _is_all(self, part: str, index: Index) -> bool:
        return index.is_whole and self._places[part].keys() == {row[part] for row in index.curves}

    def _width(self) -> str:
        widths = [min(curve.interval, INT64_MAX) for curve in self._curves.values()]  # INT64_MAX spans everything
        self._parameters["numbers"] = list(self._curves)
        return self._choice("curve", "numbers:Array(UInt64)", "width", "Int64", widths, otherwise=1)

    def _living(self, index: Index) -> str:
        deleted = [index.deleted[task] for task in self._places["task"]]
        return f"seq > {self._of_name('task', 'deleted', deleted)}" if any(deleted) else "1"

    def _of_name(self, part: str, name: str, values: Iterable[int], otherwise: int = 0) -> str:
        return self._choice(part, f"{part}s:Array(String)", name, "UInt64", list(values), otherwise)

    def _choice(self, by: str, keys: str, name: str, kind: str, values: list[int], otherwise: int) -> str:
        """SQL of the value that belongs to ``by``, else ``otherwise``; a constant if all are the same."""
        if len(set(values)) == 1:
            self._parameters[name] = values[0]
            return f"{{{name}:{kind}}}"
        self._parameters[name] = values
        return f"transform({by}, {{{keys}}}, {{{name}:Array({kind})}}, to{kind}({otherwise}))"


def _drawn(drawing: Drawing) -> dict[str, str]:
    field, has_field = ("iter", "1") if drawing.key == "iter" else ("timestamp", f"timestamp != {INT64_MAX}")
    aggregates = AGGREGATES[drawing.aggregation]
    columns = ("x", *aggregates)
    return {
        "$aggregates": ", ".join(f"{sql} AS bucket_{name}" for name, sql in aggregates.items()),
        "$columns": ", ".join(["start", *(f"bucket_{name}" for name in aggregates)]),
        "$arrays": ", ".join(
            f"arrayMap(bucket -> tupleElement(bucket, {place}), buckets) AS {name}"
            for place, name in enumerate(columns, 1)
        ),
        "$in_range": f"{field} BETWEEN {{x_min:Int64}} AND {{x_max:Int64}} AND {has_field}",
        "$field": field,
    }
