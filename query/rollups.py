"""Wide buckets of long curves, made of roll-ups and of those rows that roll-ups do not hold yet.

First come the marks: up to which ``seq`` the roll-ups of a curve hold every event. Then, what they cannot speak for:
the roll-ups to which rows belong that are newer than the mark, and those that the ends of the range cut. One statement
takes these iterations from the rows and all others from roll-ups. A roll-up that is made again in the meantime holds
what its mark said, and more; so every bucket is as it was at some time between the question and the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from query.arrays import bucketed
from query.curves import Curve
from query.index import Index
from query.rows import MetricFilter, Row, among, fill, filter_sql, of_entities
from query.scan import Drawing, Scan
from schema.registry import Entity
from schema.rollups import NOT_SINGLE, START, WIDTH, Range, coarse, is_wide, ranges, start_of
from schema.store import Store
from schema.tables import INT64_MAX, INT64_MIN

MOST_STALE = 10_000  # roll-ups of all curves; beyond, everything is read from the rows
MOST_RANGES = 64  # of iterations that are read from the rows, of all tasks; at least one of each

MARKS_SQL = """
SELECT task, metric, variant, since, max(mark).through AS through
FROM rollup_marks WHERE $entities AND $filter GROUP BY task, metric, variant, since
"""
# Of one task: the constant is for the index on ``seq``.
STALE_SQL = f"""
SELECT $curve AS curve, task, {START} AS start FROM scalars
PREWHERE $entities$named AND task = {{$task:String}} AND seq > {{$through:UInt64}}
WHERE seq > $of_curve AND has_iter AND {NOT_SINGLE}$in_range
"""
ALL_STALE_SQL = "SELECT DISTINCT task, start FROM ($each) LIMIT {limit:UInt64}"
# A row is a bucket, as arrays of each curve are made faster outside of ClickHouse. More threads take longer, of so few.
BUCKETS_SQL = """
SELECT curve, place - positiveModulo(place, $width) AS x, sum(events) AS count, min(first) AS low, max(last) AS high,
    sum(total) / nullIf(sum(valued), 0) AS y, toFloat64(min(lowest)) AS y_min, toFloat64(max(highest)) AS y_max
FROM
(
    SELECT $curve AS curve, start AS place, events, valued, total, lowest, highest, first, last
    FROM rollups FINAL
    PREWHERE $entities$named AND since = $deleted$within AND NOT ($stale_starts)
    $rows
)
GROUP BY curve, x
SETTINGS max_threads = 1
"""
ROWS_SQL = f"""UNION ALL
    SELECT $curve AS curve, iter AS place, toUInt32(1) AS events, toUInt32(isNotNull(value)) AS valued,
        toFloat64(ifNull(toFloat32(value), 0)) AS total, toFloat32(value) AS lowest, toFloat32(value) AS highest,
        iter AS first, iter AS last
    FROM scalars FINAL
    PREWHERE $entities$named AND ($stale_iters) AND {NOT_SINGLE}$living
    WHERE has_iter$in_range"""

Name = tuple[str, str, str]  # task, metric, variant
Marks = Mapping[Name, Mapping[int, int]]  # by the newest deletion when they were made: up to which ``seq`` they go


async def read_marks(store: Store, entities: Sequence[Entity], filters: Sequence[MetricFilter]) -> Marks:
    """Of all curves that have roll-ups."""
    condition, parameters = filter_sql(filters)
    of_them, names = among(**of_entities(entities))
    statement = fill(MARKS_SQL, {"$filter": condition, "$entities": of_them})
    marks: dict[Name, dict[int, int]] = {}
    for row in await store.read(statement, parameters | names):
        marks.setdefault((row["task"], row["metric"], row["variant"]), {})[row["since"]] = row["through"]
    return marks


class Rolled:
    """Which curves have roll-ups that count: made since the entity's newest deletion."""

    def __init__(self, marks: Marks, index: Index) -> None:
        self._marks = marks
        self._index = index

    def through(self, curve: Curve) -> int:
        """The ``seq`` up to which roll-ups hold every event of a curve; 0: there are none."""
        made = self._marks.get((curve.task, curve.metric, curve.variant), {})
        return made.get(self._index.deleted[curve.task], 0)

    def serve(self, curve: Curve) -> bool:
        """Whether the curve's buckets can be made of roll-ups."""
        return is_wide(coarse(curve.interval)) and self.through(curve) > 0


class RolledScan(Scan):
    """``curves``: those that roll-ups ``serve``, with ``minmax`` over iterations."""

    def __init__(self, store: Store, curves: Sequence[Curve], drawing: Drawing, index: Index, rolled: Rolled) -> None:
        super().__init__(store, curves, drawing, index)
        self._drawing = drawing
        self._throughs = {number: rolled.through(curve) for number, curve in self._curves.items()}
        deleted = self._of_name("task", "deleted", [index.deleted[task] for task in self._places["task"]])
        self._texts |= {"$deleted": deleted, "$of_curve": self._of_curve(), "$within": self._within()}

    async def buckets(self) -> list[tuple[Curve, Row]]:
        """As those of rows."""
        stale = await self._stale()
        if stale is None:
            return await super().buckets()
        self._take_from_rows(stale)
        return self._wanted(bucketed(await self._table(BUCKETS_SQL), self._drawn))

    async def _stale(self) -> dict[str, list[Range]] | None:
        """The iterations of each task that have to be read from rows; None if there are too many."""
        self._parameters["limit"] = MOST_STALE + 1
        statements = [fill(STALE_SQL, self._of_task(n, task)) for n, task in enumerate(self._places["task"])]
        table = await self._table(fill(ALL_STALE_SQL, {"$each": "\nUNION ALL\n".join(statements)}))
        if table.num_rows > MOST_STALE:
            return None
        starts = {task: self._ends() for task in self._places["task"]}
        for task, start in zip(table["task"].to_pylist(), table["start"].to_pylist(), strict=True):
            starts[task].append(start)
        most = max(1, MOST_RANGES // len(starts))
        return {task: ranges(found, most) for task, found in starts.items()}

    def _of_task(self, number: int, task: str) -> dict[str, str]:
        """The parameters of one task, by their names."""
        of_task = (self._throughs[n] for n, curve in self._curves.items() if curve.task == task)
        self._parameters |= {f"task{number}": task, f"through{number}": min(of_task)}
        return {"$task": f"task{number}", "$through": f"through{number}"}

    def _ends(self) -> list[int]:
        """The roll-ups that the range cuts."""
        low, high = self._drawing.x_min, self._drawing.x_max
        cut = [start_of(low)] if low != INT64_MIN and low % WIDTH else []
        return cut + ([start_of(high)] if high != INT64_MAX and (high + 1) % WIDTH else [])

    def _take_from_rows(self, stale: Mapping[str, Sequence[Range]]) -> None:
        found = [(task, *within) for task, of_task in stale.items() for within in of_task]
        names = [
            f"{{stale{n}:String}} AND $of BETWEEN {{low{n}:Int64}} AND {{high{n}:Int64}}" for n in range(len(found))
        ]
        for n, (task, low, high) in enumerate(found):
            self._parameters |= {f"stale{n}": task, f"low{n}": low, f"high{n}": high}
        condition = " OR ".join(f"(task = {name})" for name in names) or "0"
        self._texts |= {
            "$rows": ROWS_SQL if found else "",
            "$stale_starts": condition.replace("$of", "start"),
            "$stale_iters": condition.replace("$of", "iter"),
        }

    def _of_curve(self) -> str:
        """A curve's mark, in SQL."""
        throughs = list(self._throughs.values())
        return self._choice("curve", "numbers:Array(UInt64)", "throughs", "UInt64", throughs, otherwise=0)

    def _within(self) -> str:
        is_all = (self._drawing.x_min, self._drawing.x_max) == (INT64_MIN, INT64_MAX)
        return "" if is_all else " AND start BETWEEN {x_min:Int64} AND {x_max:Int64}"


ScanOf = Callable[[Sequence[Curve]], Sequence[Scan]]


def scans_of(store: Store, drawing: Drawing, index: Index, marks: Marks) -> ScanOf:
    """How curves are scanned: those of roll-ups, and the others."""
    rolled = Rolled(marks, index)

    def scans(curves: Sequence[Curve]) -> Sequence[Scan]:
        served = [curve for curve in curves if rolled.serve(curve)]
        others = [curve for curve in curves if not rolled.serve(curve)]
        found: list[Scan] = [RolledScan(store, served, drawing, index, rolled)] if served else []
        return [*found, Scan(store, others, drawing, index)] if others else found

    return scans
