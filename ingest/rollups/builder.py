"""Roll-ups of long curves, built from rows (``schema/events/rollups.py``: their width; ``query/curves``: their reader).

A roll-up is never added to: it is computed again from all rows of its iterations, as FINAL gives them, and replaces the
one before. So any builder, however often, at the same time as others or after a crash, writes the truth as of some
``seq``, its version, and the newest truth wins. The watermark is written last: until then, readers go by the old one.

That a watermark holds rests on the order of writing: when a row of an entity can be read, so can all of its rows with a
lower ``seq``. One log partition has them all, a worker that writes from some offset on knows that everything below is
stored, a batch is one insert in the order of ``seq``, and partitions are added only when the old ones are applied. Only
a parked record that is replayed breaks this order, as it has the ``seq`` of its first place: see ``void_marks`` in
``ingest/writing/rollup_marks.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.writing.deletes import ROLLUPS
from ingest.writing.rollup_marks import rollup_marks
from ingest.writing.tombstones import Entity
from schema.events.rollups import NOT_SINGLE_VALUE_SQL, ROLLUP_START_SQL, ROLLUP_WIDTH, IterRange, ranges, rollup_start
from schema.events.rows import Row
from schema.events.tables import INT64_MAX, SCALAR
from schema.metrics import ROLLED_ROWS
from schema.store import Store
from schema.store.tombstone_filters import DELETES_EVENTS, OF_ENTITY_SQL

ENOUGH_ROWS = 1 << 14
MOST_STARTS, MOST_RANGES = 10_000, 16  # of the roll-ups to make, before those between them are made too
NEVER_ROLLED = 10_000  # entities that one look returns

CURVE = f"{OF_ENTITY_SQL} AND metric = {{metric:String}} AND variant = {{variant:String}}"
LONG_SQL = f"""
SELECT company, task, metric, variant, since FROM metric_index WHERE event_type = '{SCALAR}' AND $which
GROUP BY company, task, metric, variant, since HAVING toFloat64(max(max_iter)) - min(min_iter) >= {{long:UInt64}}
"""
OF_ENTITIES = "company IN {companies:Array(String)} AND task IN {tasks:Array(String)}"
NEVER_ROLLED_SQL = f"""
SELECT DISTINCT company, task FROM ({LONG_SQL.replace("$which", "1")})
WHERE (company, task, metric, variant, since) NOT IN (SELECT company, task, metric, variant, since FROM rollup_marks)
LIMIT {NEVER_ROLLED}
"""
SINCE_SQL = f"SELECT max(seq) AS since FROM tombstones WHERE {OF_ENTITY_SQL} AND {DELETES_EVENTS}"
MARK_SQL = f"""
SELECT max(mark).era AS era, max(mark).through AS through FROM rollup_marks WHERE {CURVE} AND since = {{since:UInt64}}
"""
NEW_SQL = f"""
SELECT count() AS rows, max(seq) AS newest, min(start) AS low, max(start) AS high,
    groupUniqArray({MOST_STARTS + 1})(start) AS starts
FROM
(
    SELECT seq, {ROLLUP_START_SQL} AS start FROM scalars
    PREWHERE {CURVE} AND seq > {{after:UInt64}} AND {NOT_SINGLE_VALUE_SQL} WHERE has_iter
)
"""
BEYOND_SQL = f"""
SELECT iter FROM scalars WHERE {CURVE} AND iter BETWEEN {{low:Int64}} AND {{high:Int64}}
ORDER BY company, task, metric, variant, iter LIMIT 1 OFFSET {{slice:UInt64}}
"""
ROLL_SQL = f"""
INSERT INTO rollups
    (company, task, metric, variant, since, start, events, valued, total, lowest, highest, first, last, version)
SELECT {{company:String}}, {{task:String}}, {{metric:String}}, {{variant:String}}, {{since:UInt64}},
    {ROLLUP_START_SQL} AS place,
    count(), count(value), ifNull(sum(toFloat32(value)), 0), min(toFloat32(value)), max(toFloat32(value)),
    min(iter), max(iter), bitOr(bitShiftLeft(toUInt128({{era:UInt64}}), 64), toUInt128({{through:UInt64}}))
FROM scalars FINAL
PREWHERE {CURVE} AND seq > {{since:UInt64}} AND iter BETWEEN {{low:Int64}} AND {{high:Int64}} AND {NOT_SINGLE_VALUE_SQL}
WHERE has_iter
GROUP BY place
SETTINGS max_threads = 1, max_memory_usage = {1 << 30}
"""
FORGET_SQL = f"DELETE FROM $table WHERE {OF_ENTITY_SQL} AND since < {{since:UInt64}}"


@dataclass(frozen=True)
class Bounds:
    """The bounds of rolling up: which curves, and how much at once.

    ``long``: iterations from a curve's first to its last. ``enough_rows``: new rows; fewer are read as quickly.
    ``spread``: iterations to roll up for each new row, beyond which that waits until no more rows come. ``slice_rows``:
    rows of one statement.
    """

    long: int = 100_000
    enough_rows: int = ENOUGH_ROWS
    spread: int = 16
    slice_rows: int = 1 << 20


@dataclass(frozen=True)
class New:
    """The rows of a curve above its watermark. ``newest``: their highest ``seq``. ``ranges``: the roll-ups to make."""

    rows: int
    newest: int
    ranges: Sequence[IterRange]

    @classmethod
    def of(cls, row: Row) -> New:
        """Make one of a row of NEW_SQL."""
        if len(row["starts"]) > MOST_STARTS:
            return cls(row["rows"], row["newest"], [(row["low"], min(row["high"] + ROLLUP_WIDTH - 1, INT64_MAX))])
        return cls(row["rows"], row["newest"], ranges(row["starts"], MOST_RANGES))

    @property
    def iterations(self) -> int:
        """The number of iterations of the roll-ups to make."""
        return sum(high - low + 1 for low, high in self.ranges)


class Rollups:
    """The builder of roll-ups. Blocking.

    Every method raises Unavailable (to be tried again at any time) and StoreRejected. ``is_stopping`` is asked between
    statements.
    """

    def __init__(
        self, store: Store, is_stopping: Callable[[], bool] = lambda: False, bounds: Bounds = Bounds()
    ) -> None:
        self._store = store
        self._is_stopping = is_stopping
        self._bounds = bounds

    def long(self, entities: Iterable[Entity]) -> set[Entity]:
        """Return the entities that have a long curve."""
        wanted = set(entities)
        names = {"companies": sorted({c for c, _ in wanted}), "tasks": sorted({task for _, task in wanted})}
        return {(row["company"], row["task"]) for row in self._long(OF_ENTITIES, names)} & wanted

    def never_rolled(self) -> list[Entity]:
        """Return entities with long curves that have no roll-ups.

        Their rows were written before there were roll-ups, or by a process that ended before it made them.
        """
        rows = self._store.select(NEVER_ROLLED_SQL, {"long": self._bounds.long})
        return [(row["company"], row["task"]) for row in rows]

    def roll(self, entity: Entity, is_quiet: bool = True) -> bool:
        """Bring the entity's roll-ups up to date. False if some are left until it is quiet."""
        of_entity = dict(zip(("company", "task"), entity, strict=True))
        since = self._since(of_entity)
        curves = self._long(f"{OF_ENTITY_SQL} AND since = {{since:UInt64}}", of_entity | {"since": since})
        outcomes = [self._roll_curve(curve, is_quiet) for curve in curves]
        if curves and (newer := self._since(of_entity)) > since:
            self._forget(of_entity | {"since": newer})
        return all(outcomes)

    def _long(self, which: str, parameters: Row) -> list[Row]:
        return self._store.select(LONG_SQL.replace("$which", which), parameters | {"long": self._bounds.long})

    def _since(self, of_entity: Row) -> int:
        return int(self._store.select(SINCE_SQL, of_entity)[0]["since"])

    def _forget(self, deleted: Row) -> None:
        """Delete roll-ups of events that were deleted meanwhile: nobody reads them, but they would stay for ever."""
        for table in ROLLUPS:
            self._store.execute(FORGET_SQL.replace("$table", table), deleted)

    def _roll_curve(self, curve: Row, is_quiet: bool) -> bool:
        """Bring the roll-ups of a curve up to date. False if some are left until it is quiet.

        ``curve``: company, task, metric, variant, since. The era is read before the rows: see ``void_marks``.
        """
        known = self._store.select(MARK_SQL, curve)[0]
        after = max(known["through"], curve["since"])
        new = New.of(self._store.select(NEW_SQL, curve | {"after": after})[0])
        if new.rows < self._bounds.enough_rows:
            return True
        if not is_quiet and new.iterations > self._bounds.spread * new.rows:
            return False
        of_run = curve | {"era": known["era"], "through": new.newest}
        for low, high in self._slices(curve, new.ranges):
            if self._is_stopping():
                return False
            self._store.execute(ROLL_SQL, of_run | {"low": low, "high": high})
        self._store.insert("rollup_marks", rollup_marks([of_run]))
        ROLLED_ROWS.inc(new.rows)
        return True

    def _slices(self, curve: Row, within: Iterable[IterRange]) -> Iterator[IterRange]:
        """Yield the same iterations in portions of about ``slice_rows`` rows, none of which cuts a roll-up."""
        for low, high in within:
            while low <= high:
                end = self._end(curve, low, high)
                yield low, end
                low = end + 1

    def _end(self, curve: Row, low: int, high: int) -> int:
        slice_of = curve | {"low": low, "high": high, "slice": self._bounds.slice_rows}
        beyond = self._store.select(BEYOND_SQL, slice_of)
        return max(rollup_start(beyond[0]["iter"]) - 1, low + ROLLUP_WIDTH - 1) if beyond else high
