"""Statements over the events of several types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from query.sql.statements import RECEIVED, Event, fill
from query.sql.tombstone_filter import TombstoneFilter
from schema.events.render import document
from schema.events.rows import Row
from schema.events.tables import COMMON, LOG, SCALAR, TABLES, VECTOR


def union(sql: str, types: Iterable[str], living: TombstoneFilter) -> str:
    """Return a SELECT over each of the event types, as one UNION ALL.

    Fills in ``$type``, ``$table``, ``$columns`` (the same for all types; ``documents_of_any`` reads them), ``$living``,
    and ``$first`` and ``$then``, which stand before the conditions on identity and before the others: the former are
    applied before rows are merged where the table's sort key has them, which halves the time.
    """
    return "\nUNION ALL\n".join(fill(sql, _texts(event_type, living)) for event_type in types)


def documents_of_any(rows: Iterable[Row]) -> list[Event]:
    """Return rows of ``union``'s ``$columns`` as events."""
    return [document(row | {"value": _value(row)}, row["event_type"]) for row in rows]


def _texts(event_type: str, living: TombstoneFilter) -> dict[str, str]:
    is_log = event_type == LOG
    return {
        "$type": event_type,
        "$table": TABLES[event_type].name,
        "$columns": _columns_of_any(event_type),
        "$living": living.lines if is_log else living.rows,
        "$first": "WHERE" if is_log else "PREWHERE",
        "$then": "AND" if is_log else "WHERE",
    }


def _columns_of_any(event_type: str) -> str:
    """Return a SELECT list that is the same for every type; ``value`` has two types, of scalars and of vectors."""
    own = TABLES[event_type].fields
    fields = dict.fromkeys(name for table in TABLES.values() for name in table.fields if name != "value")
    typed = [name if name in own else f"{_nothing(name)} AS {name}" for name in fields]
    typed += [f"{'value' if event_type == SCALAR else 'NULL'} AS number"]
    typed += [f"{'value' if event_type == VECTOR else 'NULL'} AS vector"]
    # No constant: with one among its sort keys, but for the first, chDB's LIMIT (4.4) chooses wrong rows.
    return ", ".join((f"materialize('{event_type}') AS event_type", *COMMON, *typed, *RECEIVED))


def _nothing(name: str) -> str:
    return "CAST([], 'Array(String)')" if name == "source_urls" else "NULL"


def _value(row: Row) -> Any:
    return row["vector"] if row["number"] is None else row["number"]
