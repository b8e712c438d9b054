"""Statements over the points of some curves: their ranges, and their buckets.

Curves and their buckets are numbers here: names, of which a page of a dashboard has few and a store many, are looked up
once in each part's dictionary. Buckets as narrow as an iteration are read as they are, very many of them as arrays: to
group them took three to five times as long. Only where there are more rows than iterations does ClickHouse group them
after all. Copies of a point that was written again have its iteration: rows of which no two have the same iteration
hold no copies, and are read without FINAL, which is a third less work where tasks lie in many parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import pyarrow as pa

from query.curves.curve_index import CurveIndex
from query.curves.downsampling import Curve
from query.curves.point_tables import arrays, grouped, ungrouped
from query.sql.statements import Axis, Int64, column_in, entities_condition, fill
from query.sql.threads import threads
from schema.api.requests import Request
from schema.events.normalize import NO_TIMESTAMP
from schema.events.rollups import rollup_width
from schema.events.rows import Row
from schema.events.tables import INT64_MAX, INT64_MIN, SINGLE_VALUE_ITER
from schema.fairness.computing import compute
from schema.store import Store
from schema.store.tombstone_filters import SEQ_SQL

MAX_ROWS = 1_000_000  # of points that are read as rows; more are read as arrays, which need no sorting here

# PREWHERE: before rows of one identity are merged, which the highest seq survives; so only by identity and seq.
WANTED = f"""
    PREWHERE $entities$named AND identity(iter) > {SINGLE_VALUE_ITER}$living
    WHERE has_iter$in_range"""
POINTS, COPIES = f"scalars FINAL{WANTED}", f"scalars{WANTED}"
ROWS_SQL = "SELECT $curve AS curve, $field AS x, toFloat32(value) AS y FROM $points LIMIT {limit:UInt64}"
ARRAYS_SQL = f"""
SELECT $curve AS curve, groupArray($most)($field) AS x, groupArray($most)(ifNull(toFloat32(value), nan)) AS y
FROM {POINTS} GROUP BY curve
"""
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
# The aggregates of a bucket, of values as 32-bit floats (API contract 2.2).
AGGREGATES = {
    "mean": {"y": "avg(toFloat32(value))"},
    "minmax": {
        "y": "avg(toFloat32(value))",
        "y_min": "toFloat64(min(toFloat32(value)))",
        "y_max": "toFloat64(max(toFloat32(value)))",
    },
    "last": {"y": "toFloat64(argMax(toFloat32(value), ($field, iter, seq)))"},
}
NAMES = ("task", "metric", "variant")


class Drawing(Request):
    """The part of curves that is drawn, and how.

    Eventide's own: ``aggregation`` (``minmax`` adds ``y_min`` and ``y_max``), ``x_min`` and ``x_max`` (both included;
    iterations, or ms since the epoch). With ``minmax``, buckets of more than 300 iterations are a multiple of 100 wide
    (rounded up), so that long series can come from roll-ups; what is in them is exact.
    """

    key: Axis = "iter"
    aggregation: Literal["mean", "minmax", "last"] = "mean"
    x_min: Int64 = INT64_MIN
    x_max: Int64 = INT64_MAX

    @property
    def aggregates(self) -> tuple[str, ...]:
        """The names of what is drawn over ``x``."""
        return tuple(AGGREGATES[self.aggregation])

    @property
    def is_whole(self) -> bool:
        """Whether no part of the curves is left out."""
        return (self.x_min, self.x_max) == (INT64_MIN, INT64_MAX)

    @property
    def is_rolled(self) -> bool:
        """Whether wide buckets get widths that roll-ups can serve, whether there are any or not."""
        return self.aggregation == "minmax" and self.key == "iter"


class RowSource:
    """A source of at least one curve of the index, from rows."""

    def __init__(self, store: Store, curves: Sequence[Curve], drawing: Drawing, index: CurveIndex) -> None:
        self._store = store
        self._drawn = drawing.aggregates
        self._is_rolled = drawing.is_rolled
        found = {part: sorted({getattr(curve, part) for curve in curves}) for part in NAMES}
        self._places = {part: {name: place for place, name in enumerate(names)} for part, names in found.items()}
        self._curves = {self._number(curve): curve for curve in curves}
        self._parameters: Row = {f"{part}s": names for part, names in found.items()}
        entities, parameters = entities_condition(index.companies, found["task"])
        self._parameters |= parameters | {"x_min": drawing.x_min, "x_max": drawing.x_max}
        self._texts = _drawn(drawing) | {"$curve": self._curve(), "$width": self._width()}
        self._texts |= {"$living": self._living(index), "$named": self._named(index), "$entities": entities}

    async def ranges(self) -> list[tuple[Curve, Row]]:
        """Return ``count``, ``low`` and ``high`` of each curve that has points."""
        rows = await self._store.read(self._statement(RANGES_SQL), self._parameters)
        return self._wanted((row.pop("curve"), row) for row in rows)

    async def buckets(self) -> list[tuple[Curve, Row]]:
        """Return ``ranges`` with the buckets as arrays: ``x``, ``y`` and the other aggregates."""
        found = await self._points() if self._is_narrow() else None
        if found is None:
            found = grouped(await self._table(BUCKETS_SQL), ("x", *self._drawn))
        return self._wanted(found)

    def _is_narrow(self) -> bool:
        return all(curve.interval == 1 for curve in self._curves.values())

    def _expected(self) -> int:
        return sum(curve.count for curve in self._curves.values())

    async def _points(self) -> list[tuple[int, Row]] | None:
        """Return the points as they are; None if a curve has more than one for an x."""
        if self._expected() > MAX_ROWS:
            most = max(curve.count for curve in self._curves.values()) + 1  # with so many, two have the same x
            return await compute(arrays, await self._table(ARRAYS_SQL.replace("$most", str(most))), self._drawn)
        is_spread = self._texts["$field"] == "iter" and len(self._places["task"]) > 1
        found = await self._rows_of(COPIES) if is_spread else None
        return found if found is not None else await self._rows_of(POINTS)

    async def _rows_of(self, points: str) -> list[tuple[int, Row]] | None:
        limit = self._parameters["limit"] = self._expected() + 1
        table = await self._table(ROWS_SQL.replace("$points", points) + threads(limit))
        return await compute(ungrouped, table, self._drawn) if table.num_rows < limit else None

    async def _table(self, sql: str) -> pa.Table:
        return await self._store.read_table(self._statement(sql), self._parameters)

    def _statement(self, sql: str) -> str:
        return fill(fill(sql, self._texts), self._texts)

    def _wanted(self, found: Iterable[tuple[int, Row]]) -> list[tuple[Curve, Row]]:
        return [(self._curves[number], row) for number, row in found if number in self._curves]

    def _number(self, curve: Curve) -> int:
        """Return a curve's number: the places of its names, in mixed radix.

        One more place stands for any other name.
        """
        number = 0
        for part, places in self._places.items():
            number = number * (len(places) + 1) + places[getattr(curve, part)]
        return number

    def _curve(self) -> str:
        """Return the SQL of ``_number`` for a row."""
        number = "toUInt64(0)"
        for part, places in self._places.items():
            place = self._of_name(part, f"{part}_place", places.values(), len(places))
            number = f"({number} * {len(places) + 1} + {place})"
        return number

    def _named(self, index: CurveIndex) -> str:
        """Return the condition that a row has one of these names; empty if all rows of the entities have."""
        wanted = (
            part for part in ("metric", "variant") if len(self._places[part]) == 1 or not self._is_all(part, index)
        )
        return "".join(f" AND {self._is_named(part)}" for part in wanted)

    def _is_named(self, part: str) -> str:
        condition, parameters = column_in(part, [*self._places[part]], f"{part}s")
        self._parameters |= parameters
        return condition

    def _is_all(self, part: str, index: CurveIndex) -> bool:
        return index.is_whole and self._places[part].keys() == {row[part] for row in index.curves}

    def _width(self) -> str:
        exact = [min(curve.interval, INT64_MAX) for curve in self._curves.values()]  # INT64_MAX spans everything
        widths = [rollup_width(width) for width in exact] if self._is_rolled else exact
        if len(set(widths)) > 1:
            self._parameters["numbers"] = list(self._curves)
        return self._choice("curve", "numbers:Array(UInt64)", "width", "Int64", widths, otherwise=1)

    def _living(self, index: CurveIndex) -> str:
        deleted = [index.deleted[task] for task in self._places["task"]]
        return f" AND {SEQ_SQL} > {self._of_name('task', 'deleted', deleted)}" if any(deleted) else ""

    def _of_name(self, part: str, name: str, values: Iterable[int], otherwise: int = 0) -> str:
        return self._choice(part, f"{part}s:Array(String)", name, "UInt64", list(values), otherwise)

    def _choice(self, by: str, keys: str, name: str, kind: str, values: list[int], otherwise: int) -> str:
        """Return the SQL of the value that belongs to ``by``, else ``otherwise``; a constant if all are the same."""
        if len(set(values)) == 1:
            self._parameters[name] = values[0]
            return f"{{{name}:{kind}}}"
        self._parameters[name] = values
        return f"transform({by}, {{{keys}}}, {{{name}:Array({kind})}}, to{kind}({otherwise}))"


def _drawn(drawing: Drawing) -> dict[str, str]:
    field = "iter" if drawing.key == "iter" else "timestamp"
    aggregates = AGGREGATES[drawing.aggregation]
    columns = ("x", *aggregates)
    return {
        "$aggregates": ", ".join(f"{sql} AS bucket_{name}" for name, sql in aggregates.items()),
        "$columns": ", ".join(["start", *(f"bucket_{name}" for name in aggregates)]),
        "$arrays": ", ".join(
            f"arrayMap(bucket -> tupleElement(bucket, {place}), buckets) AS {name}"
            for place, name in enumerate(columns, 1)
        ),
        "$in_range": _in_range(drawing, field),
        "$field": field,
    }


def _in_range(drawing: Drawing, field: str) -> str:
    condition = "" if field == "iter" else f" AND timestamp != {NO_TIMESTAMP}"
    if not drawing.is_whole:
        condition += f" AND {field} BETWEEN {{x_min:Int64}} AND {{x_max:Int64}}"
    return condition
