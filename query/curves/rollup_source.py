"""Wide buckets of long curves, from roll-ups, and from rows where roll-ups are stale.

While the metric index is read, so are the watermarks (up to which ``seq`` the roll-ups of a curve hold every event) and
the stale roll-ups, to which newer rows belong. One statement takes the iterations of these, and of the roll-ups that
the ends of the range cut, from rows, and all others from roll-ups. A roll-up that is made again meanwhile holds what
its watermark said, and more; so every bucket is as it was at some time between the question and the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from query.cache.rollup_coverage import CurveKey, RollupCoverage, RollupWatermark
from query.curves.curve_index import CurveIndex
from query.curves.downsampling import Curve
from query.curves.point_tables import bucketed
from query.curves.row_source import Drawing, RowSource
from query.sql.statements import MetricFilter, entities_condition, entities_parameters, fill, filter_sql
from schema.events.rollups import (
    NOT_SINGLE_VALUE_SQL,
    ROLLUP_START_SQL,
    ROLLUP_WIDTH,
    IterRange,
    is_rollup_width,
    ranges,
    rollup_start,
    rollup_width,
)
from schema.events.rows import Row
from schema.events.tables import INT64_MAX, INT64_MIN
from schema.registry import Entity
from schema.store import Store

UINT64_MAX = 2**64 - 1
MOST_STALE = 10_000  # roll-ups of all curves; beyond, everything is read from the rows
MOST_RANGES = 64  # of iterations that are read from the rows, of all tasks; at least one of each

MARKS_SQL = """
SELECT task, metric, variant, since, max(mark).through AS through
FROM rollup_marks WHERE $entities AND $filter GROUP BY task, metric, variant, since
"""
# Of one task: the constant is for the index on ``seq``.
STALE_SQL = f"""
SELECT task, {ROLLUP_START_SQL} AS start FROM scalars
PREWHERE company IN {{companies:Array(String)}} AND task = {{task$n:String}} AND seq > {{through$n:UInt64}}
    AND {NOT_SINGLE_VALUE_SQL} AND iter BETWEEN {{x_min:Int64}} AND {{x_max:Int64}}
WHERE has_iter AND seq > transform(concat(toString(length(metric)), ' ', metric, variant), {{names$n:Array(String)}},
    {{throughs$n:Array(UInt64)}}, toUInt64({UINT64_MAX}))
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
    PREWHERE $entities$named AND ($stale_iters) AND {NOT_SINGLE_VALUE_SQL}$living
    WHERE has_iter$in_range"""

NO_ROLLUPS = RollupCoverage({}, {})


async def read_rollup_coverage(
    store: Store, entities: Sequence[Entity], filters: Sequence[MetricFilter], drawing: Drawing
) -> RollupCoverage:
    """Return the coverage of the curves that are asked for.

    What is written, or rolled up, later may or may not count.
    """
    marks = await _marks(store, entities, filters)
    if not marks:
        return NO_ROLLUPS
    statement, parameters = _stale_statement(entities, marks)
    parameters |= {"x_min": drawing.x_min, "x_max": drawing.x_max, "limit": MOST_STALE + 1}
    table = await store.read_table(statement, parameters)
    if table.num_rows > MOST_STALE:
        return RollupCoverage(marks, None)
    stale: dict[str, list[int]] = {}
    for task, start in zip(table["task"].to_pylist(), table["start"].to_pylist(), strict=True):
        stale.setdefault(task, []).append(start)
    return RollupCoverage(marks, stale)


def is_served(coverage: RollupCoverage, curve: Curve, index: CurveIndex) -> bool:
    """Tell whether a curve's buckets can be made of roll-ups: they count if no deletion came after them."""
    watermark = coverage.watermarks.get((curve.task, curve.metric, curve.variant))
    if coverage.stale is None or watermark is None or watermark.through == 0:
        return False
    return is_rollup_width(rollup_width(curve.interval)) and watermark.since == index.deleted[curve.task]


async def _marks(
    store: Store, entities: Sequence[Entity], filters: Sequence[MetricFilter]
) -> dict[CurveKey, RollupWatermark]:
    condition, parameters = filter_sql(filters)
    of_them, names = entities_condition(**entities_parameters(entities))
    statement = fill(MARKS_SQL, {"$filter": condition, "$entities": of_them})
    rows = await store.read(statement, parameters | names)
    by_since = sorted(rows, key=lambda row: int(row["since"]))  # the newest is kept
    return {
        (row["task"], row["metric"], row["variant"]): RollupWatermark(row["since"], row["through"]) for row in by_since
    }


def _stale_statement(entities: Sequence[Entity], marks: Mapping[CurveKey, RollupWatermark]) -> tuple[str, Row]:
    """Return ALL_STALE_SQL with its parameters, without those of the range and the limit.

    Curves without a watermark are left out.
    """
    parameters: Row = {"companies": entities_parameters(entities)["companies"]}
    by_task: dict[str, dict[str, int]] = {}
    for (task, metric, variant), mark in marks.items():
        by_task.setdefault(task, {})[f"{len(metric.encode())} {metric}{variant}"] = mark.through or UINT64_MAX
    for n, (task, throughs) in enumerate(by_task.items()):
        parameters |= {f"task{n}": task, f"through{n}": min(throughs.values())}
        parameters |= {f"names{n}": list(throughs), f"throughs{n}": list(throughs.values())}
    each = (STALE_SQL.replace("$n", str(n)) for n in range(len(by_task)))
    return fill(ALL_STALE_SQL, {"$each": "\nUNION ALL\n".join(each)}), parameters


class RollupSource(RowSource):
    """Curves that roll-ups serve (``is_served``), with ``minmax`` over iterations. ``stale``: as in RollupCoverage."""

    def __init__(
        self,
        store: Store,
        curves: Sequence[Curve],
        drawing: Drawing,
        index: CurveIndex,
        stale: Mapping[str, Sequence[int]],
    ) -> None:
        super().__init__(store, curves, drawing, index)
        tasks, ends = self._places["task"], _ends(drawing)
        deleted = self._of_name("task", "deleted", [index.deleted[task] for task in tasks])
        within = "" if drawing.is_whole else " AND start BETWEEN {x_min:Int64} AND {x_max:Int64}"
        self._texts |= {"$deleted": deleted, "$within": within}
        most = max(1, MOST_RANGES // len(tasks))
        self._take_from_rows({task: ranges([*stale.get(task, ()), *ends], most) for task in tasks})

    async def buckets(self) -> list[tuple[Curve, Row]]:
        """Return the buckets in the form of ``RowSource.buckets``."""
        return self._wanted(bucketed(await self._table(BUCKETS_SQL), self._drawn))

    def _take_from_rows(self, wanted: Mapping[str, Sequence[IterRange]]) -> None:
        terms = []
        for n, (task, low, high) in enumerate((task, *within) for task, found in wanted.items() for within in found):
            self._parameters |= {f"stale{n}": task, f"low{n}": low, f"high{n}": high}
            terms.append(f"(task = {{stale{n}:String}} AND $of BETWEEN {{low{n}:Int64}} AND {{high{n}:Int64}})")
        condition = " OR ".join(terms) or "0"
        self._texts |= {
            "$rows": ROWS_SQL if terms else "",
            "$stale_starts": condition.replace("$of", "start"),
            "$stale_iters": condition.replace("$of", "iter"),
        }


def _ends(drawing: Drawing) -> list[int]:
    """Return the roll-ups that the ends of the range cut."""
    low, high = drawing.x_min, drawing.x_max
    cut = [rollup_start(low)] if low != INT64_MIN and low % ROLLUP_WIDTH else []
    return cut + ([rollup_start(high)] if high != INT64_MAX and (high + 1) % ROLLUP_WIDTH else [])
