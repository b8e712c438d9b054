"""SQL that several families share: the columns of whole events, conditions on entities, metric filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from schema.api.requests import Integer, Request
from schema.events.render import document
from schema.events.rows import Row
from schema.events.tables import COMMON, EVENT_TYPES, INT64_MAX, INT64_MIN, TABLES
from schema.registry import Entity

Event = dict[str, Any]
ANY_TYPE = "*"
if TYPE_CHECKING:  # what is derived is no type for checkers, but one for requests and their description
    EventType = str
else:
    EventType = Literal[(*EVENT_TYPES, ANY_TYPE)]
Axis = Literal["iter", "timestamp", "iso_time"]  # an axis
Int64 = Annotated[Integer, Field(ge=INT64_MIN, le=INT64_MAX)]
Iterations = Annotated[Integer, Field(ge=1), AfterValidator(lambda count: min(count, 2**31 - 1))]  # how many

RECEIVED = ("received_at", "seq")
TRUE_SQL = "1"  # the condition of every row
METRICS = "metric IN {filter_metrics:Array(String)}"
FILTER = f"""{METRICS} AND (metric IN {{filter_whole:Array(String)}}
    OR (metric, variant) IN {{filter_pairs:Array(Tuple(String, String))}})"""


class MetricFilter(Request):
    """A metric and some of its variants; none: all of them."""

    metric: str
    variants: list[str] = []


def entity_parameters(entity: Entity) -> dict[str, Any]:
    """Return the parameters of ``tombstone_filters.OF_ENTITY_SQL``."""
    return {"company": entity.storage_company, "task": entity.id}


def entities_parameters(entities: Iterable[Entity]) -> dict[str, Any]:
    """Return the parameters of ``tombstone_filters.OF_ENTITIES_SQL``."""
    found = list(entities)
    return {"companies": sorted({e.storage_company for e in found}), "tasks": [e.id for e in found]}


def entities_condition(companies: Sequence[str], tasks: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return the condition that a row is of these entities, and its parameters."""
    of_companies, names = column_in("company", companies, "companies")
    of_tasks, more = column_in("task", tasks, "tasks")
    return f"{of_companies} AND {of_tasks}", names | more


def column_in(column: str, values: Sequence[str], plural: str) -> tuple[str, dict[str, Any]]:
    """Return the condition that a column has one of these values, and its parameters.

    A single value is compared, which is planned faster than a set.
    """
    if len(values) == 1:
        return f"{column} = {{{column}:String}}", {column: values[0]}
    return f"{column} IN {{{plural}:Array(String)}}", {plural: values}


def by_task(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by task, in their order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["task"], []).append(row)
    return found


def document_columns(event_type: str) -> str:
    """Return the SELECT list of what ``document`` needs of one table."""
    return ", ".join((*COMMON, *TABLES[event_type].fields, *RECEIVED))


def documents(rows: Iterable[Row], event_type: str) -> list[Event]:
    """Return rows of ``document_columns`` as events."""
    return [document(row, event_type) for row in rows]


def fill(sql: str, texts: Mapping[str, str]) -> str:
    """Fill in the fixed parts (``$name``) of a statement; values are always parameters."""
    for name, text in texts.items():
        sql = sql.replace(name, text)
    return sql


def event_types(wanted: str) -> Sequence[str]:
    """Return the event types that ``event_type`` stands for."""
    return EVENT_TYPES if wanted == ANY_TYPE else (wanted,)


def filter_sql(filters: Sequence[MetricFilter]) -> tuple[str, dict[str, Any]]:
    """Return the condition and parameters of a metric filter (API contract 3.0.3).

    Of a metric that is named twice the last entry counts.
    """
    if not filters:
        return TRUE_SQL, {}
    variants = {entry.metric: entry.variants for entry in filters}
    if not any(variants.values()):
        return METRICS, {"filter_metrics": list(variants)}
    return FILTER, {
        "filter_metrics": list(variants),
        "filter_whole": [metric for metric, wanted in variants.items() if not wanted],
        "filter_pairs": [(metric, variant) for metric, wanted in variants.items() for variant in wanted],
    }
