"""Columns of tables, cached: one number of a great many entities at once, by which lists are sorted and filtered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from query.sql.statements import fill
from schema.changefeed.changefeed import Changefeed
from schema.events.tables import SCALAR
from schema.lru_cache import LruCache
from schema.store import Store
from schema.store.tombstone_filters import (
    OF_COMPANIES_SQL,
    OF_ENTITIES_SQL,
    RESET_SEQS_OF_COMPANIES_SQL,
    RESET_SEQS_SQL,
)

MAX_NUMBERS = 300_000  # of all columns that are cached
FEW = 1000  # entities that a statement names
ITERATION = "last_iteration"
IGNORED_METRICS = (":monitor:machine", ":monitor:gpu")  # of the resource monitor, whose iterations are seconds
ITERATION_SQL = f"""
SELECT task, greatest(0, max(max_iter)) AS number FROM metric_index
WHERE $entities AND metric NOT IN {IGNORED_METRICS} AND since_reset = $resets[task]
GROUP BY task
"""
CURVE_SQL = f"""
SELECT task, $number AS number FROM metric_index
WHERE $entities AND event_type = '{SCALAR}' AND since_reset = $resets[task]
    AND lower(hex(MD5(metric))) = {{metric:String}} AND lower(hex(MD5(variant))) = {{variant:String}}
GROUP BY task HAVING max(latest.batch) > 0
"""
NUMBERS = {
    "value": "max(latest).value",
    "min_value": "min(lowest).value",
    "min_value_iteration": "min(lowest).iter",
    "max_value": "-min(highest).negated",
    "max_value_iteration": "min(highest).iter",
    "first_value": "min(first).value",
}
CELLS_SQL = f"""
SELECT lower(hex(MD5(metric))) || '.' || lower(hex(MD5(variant))) AS curve, task, $numbers FROM metric_index
WHERE {OF_ENTITIES_SQL} AND event_type = '{SCALAR}' AND since_reset = {RESET_SEQS_SQL}[task]
    AND curve IN {{curves:Array(String)}}
GROUP BY metric, variant, task HAVING max(latest.batch) > 0
""".replace("$numbers", ", ".join(f"{sql} AS {name}" for name, sql in NUMBERS.items()))
CELLS_AT_ONCE_SQL = f"""
SELECT curve, groupArray(task) AS tasks, {", ".join(f"groupArray({name}) AS {name}" for name in NUMBERS)}
FROM ({CELLS_SQL}) GROUP BY curve
"""
AT_ONCE_SQL = "SELECT groupArray(task) AS tasks, groupArray(number) AS numbers FROM ({})"

Numbers = dict[str, float | None]
Column = dict[str, tuple[int, float | None]]  # by id, the version under which a number was read, and the number


class MetricColumns:
    """Columns of tables of tasks or models; of a cached column only entities that were written are read again."""

    def __init__(self, store: Store, changefeed: Changefeed) -> None:
        self._store = store
        self._changefeed = changefeed
        self._columns: LruCache[str, Column] = LruCache("metric_columns", MAX_NUMBERS, len)

    async def of(self, storage: Mapping[str, str], field: str) -> Numbers:
        """Return the number in ``field`` by id, None where there is none.

        ``storage``: under which company the events of each id are stored. ``field``: ``last_iteration`` or
        ``last_metrics.<metric>.<variant>.<value>``; of any other all numbers are None.
        """
        if not storage or not (sql := _statement(field)):
            return dict.fromkeys(storage)
        await self._changefeed.wait_until_readable(storage)
        versions = self._versions(storage)
        column = self._columns.get(field) or {}
        stale = _stale(column, versions)
        found = await self._read(sql, storage, field, stale) if stale else {}
        self._keep(field, column, {key: versions[key] for key in stale}, found)
        return {key: column[key][1] for key in storage}

    async def of_many(self, storage: Mapping[str, str], fields: Sequence[str]) -> dict[str, Numbers]:
        """Return several fields: of at most FEW entities, curves that are not cached in one statement."""
        curves = [field for field in dict.fromkeys(fields) if field != ITERATION and _statement(field)]
        if not storage or len(curves) < 2 or len(storage) > FEW:
            return {field: await self.of(storage, field) for field in fields}
        await self._changefeed.wait_until_readable(storage)
        versions = self._versions(storage)
        columns: dict[str, Column] = {field: self._columns.get(field) or {} for field in curves}
        stale = [field for field, column in columns.items() if _stale(column, versions)]
        found = await self._read_cells(storage, stale) if stale else {}
        for field in stale:
            self._keep(field, columns[field], versions, found.get(field, {}))
        read = {field: {key: column[key][1] for key in storage} for field, column in columns.items()}
        return read | {field: await self.of(storage, field) for field in fields if field not in read}

    def _versions(self, storage: Mapping[str, str]) -> dict[str, int]:
        return {key: self._changefeed.version(key) for key in storage}

    def _keep(self, field: str, column: Column, versions: Mapping[str, int], found: Numbers) -> None:
        """Put numbers that were read into a column, and cache it."""
        none = 0 if field == ITERATION else None
        column |= {key: (version, found.get(key, none)) for key, version in versions.items()}
        if self._changefeed.is_live:
            self._columns.put(field, column)

    async def _read_cells(self, storage: Mapping[str, str], fields: Sequence[str]) -> dict[str, Numbers]:
        """Read fields of curves."""
        places = {field: field.split(".", 1)[1].rpartition(".") for field in fields}
        parameters = {"companies": sorted(set(storage.values())), "tasks": list(storage)}
        curves = {"curves": sorted({curve for curve, _, _ in places.values()})}
        rows = {row["curve"]: row for row in await self._store.read(CELLS_AT_ONCE_SQL, parameters | curves)}
        return {
            field: dict(zip(rows[curve]["tasks"], rows[curve][number], strict=True))
            for field, (curve, _, number) in places.items()
            if curve in rows
        }

    async def _read(self, sql: str, storage: Mapping[str, str], field: str, ids: Collection[str]) -> Numbers:
        """Read the column: of a few entities by name, of many for all that there are."""
        parameters: dict[str, object] = {"companies": sorted(set(storage.values()))}
        if field != ITERATION:
            _, parameters["metric"], parameters["variant"], _ = field.split(".")
        texts = {"$entities": OF_COMPANIES_SQL, "$resets": RESET_SEQS_OF_COMPANIES_SQL}
        if len(ids) <= FEW:
            texts = {"$entities": OF_ENTITIES_SQL, "$resets": RESET_SEQS_SQL}
            parameters["tasks"] = list(ids)
        (row,) = await self._store.read(AT_ONCE_SQL.format(fill(sql, texts)), parameters)
        return dict(zip(row["tasks"], row["numbers"], strict=True))


def _stale(column: Column, versions: Mapping[str, int]) -> list[str]:
    """Return the entities that were written since their number was read."""
    return [key for key, version in versions.items() if key not in column or column[key][0] != version]


def _statement(field: str) -> str:
    """Return the statement that reads a field; None if there is no such field."""
    if field == ITERATION:
        return ITERATION_SQL
    path = field.split(".")
    return CURVE_SQL.replace("$number", NUMBERS[path[3]]) if len(path) == 4 and path[3] in NUMBERS else ""
