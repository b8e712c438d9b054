"""Columns of tables, cached: one number of a great many entities at once, by which lists are sorted and filtered."""

from __future__ import annotations

from collections.abc import Collection, Mapping

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
        versions = {key: self._changefeed.version(key) for key in storage}
        column = self._columns.get(field) or {}
        stale = [key for key, version in versions.items() if key not in column or column[key][0] != version]
        found = await self._read(sql, storage, field, stale) if stale else {}
        none = 0 if field == ITERATION else None
        column |= {key: (versions[key], found.get(key, none)) for key in stale}
        if self._changefeed.is_live:
            self._columns.put(field, column)
        return {key: column[key][1] for key in storage}

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


def _statement(field: str) -> str:
    """Return the statement that reads a field; None if there is no such field."""
    if field == ITERATION:
        return ITERATION_SQL
    path = field.split(".")
    return CURVE_SQL.replace("$number", NUMBERS[path[3]]) if len(path) == 4 and path[3] in NUMBERS else ""
