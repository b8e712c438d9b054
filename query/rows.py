"""SQL that several families share: the columns of whole events, and the metric filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schema.events import document
from schema.requests import Request
from schema.tables import COMMON, EVENT_TYPES, TABLES

RECEIVED = ("received_at", "seq")
FILTER = """metric IN {filter_metrics:Array(String)} AND (metric IN {filter_whole:Array(String)}
    OR has(arrayZip({filter_pair_metrics:Array(String)}, {filter_pair_variants:Array(String)}), (metric, variant)))"""


class MetricFilter(Request):
    """A metric, and those of its variants that are meant; none: all of them."""

    metric: str
    variants: list[str] = []


def columns(event_type: str) -> str:
    """What ``document`` needs of one table, as a SELECT list."""
    return ", ".join((*COMMON, *TABLES[event_type].fields, *RECEIVED))


def columns_of_any() -> dict[str, str]:
    """For each event type a SELECT list of the same columns, for a UNION ALL; ``event_type`` says which."""
    fields = list(dict.fromkeys(name for table in TABLES.values() for name in table.fields if name != "value"))
    lists = {}
    for event_type in EVENT_TYPES:
        own = TABLES[event_type].fields
        typed = [name if name in own else f"{_nothing(name)} AS {name}" for name in fields]
        typed += [_value(name, event_type) for name in ("number", "vector")]
        lists[event_type] = ", ".join((f"'{event_type}' AS event_type", *COMMON, *typed, *RECEIVED))
    return lists


def documents(rows: Iterable[dict[str, Any]], event_type: str) -> list[dict[str, Any]]:
    """Rows of ``columns`` as events."""
    return [document(row, event_type) for row in rows]


def documents_of_any(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of ``columns_of_any`` as events."""
    events = []
    for row in rows:
        row["value"] = row["vector"] if row["number"] is None else row["number"]
        events.append(document(row, row["event_type"]))
    return events


def fill(sql: str, texts: Mapping[str, str]) -> str:
    """A statement with its fixed parts (``$name``) filled in; values are always parameters."""
    for name, text in texts.items():
        sql = sql.replace(name, text)
    return sql


def filter_sql(filters: Sequence[MetricFilter]) -> tuple[str, dict[str, Any]]:
    """The condition and parameters of a metric filter (section 3.0.3); of the same metric the last entry wins."""
    if not filters:
        return "1", {}
    variants = {entry.metric: entry.variants for entry in filters}
    pairs = [(metric, variant) for metric, wanted in variants.items() for variant in wanted]
    return FILTER, {
        "filter_metrics": list(variants),
        "filter_whole": [metric for metric, wanted in variants.items() if not wanted],
        "filter_pair_metrics": [metric for metric, _ in pairs],
        "filter_pair_variants": [variant for _, variant in pairs],
    }


def _nothing(name: str) -> str:
    return "CAST([], 'Array(String)')" if name == "source_urls" else "NULL"


def _value(name: str, event_type: str) -> str:
    """Scalars and vectors have a ``value`` each, of different types."""
    is_own = TABLES[event_type].name == {"number": "scalars", "vector": "vectors"}[name]
    return f"value AS {name}" if is_own else f"NULL AS {name}"
