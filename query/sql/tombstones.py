"""Reads of the tombstones of entities."""

from __future__ import annotations

from collections.abc import Sequence

from query.sql.metric_index import companies_and_tasks
from query.sql.statements import entities_condition, fill
from query.sql.threads import ONE_THREAD
from schema.changefeed.change_batch import EntityKey
from schema.events.blocks import ALL, LOGS
from schema.events.rows import Row
from schema.store import Store

TOMBSTONES_SQL = f"SELECT task, seq, scope, through, include, exclude FROM tombstones WHERE $entities{ONE_THREAD}"


async def read_tombstones(store: Store, keys: Sequence[EntityKey]) -> dict[str, list[Row]]:
    """Read the tombstones of each entity, by its id: ``seq``, ``scope``, ``through``, ``include``, ``exclude``."""
    of_them, names = entities_condition(*companies_and_tasks(keys))
    found: dict[str, list[Row]] = {task: [] for _, task in keys}
    for row in await store.read(fill(TOMBSTONES_SQL, {"$entities": of_them}), names):
        found[row["task"]].append(row)
    return found


def newest_deletion(tombstones: Sequence[Row]) -> int:
    """Return the ``seq`` of the newest deletion of events; 0 if there is none."""
    return max((int(row["seq"]) for row in tombstones if row["scope"] != LOGS), default=0)


def newest_reset(tombstones: Sequence[Row]) -> int:
    """Return the ``seq`` of the newest deletion of everything; 0 if there is none."""
    return max((int(row["seq"]) for row in tombstones if row["scope"] == ALL), default=0)
