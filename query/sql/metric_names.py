"""Names of metrics and their variants, grouped and chosen by ClickHouse.

The rows of an entity with 100 000 curves take a second to be read here; its names alone a tenth of that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from query.sql.statements import ANY_TYPE, TRUE_SQL, entities_parameters, fill
from schema.api.requests import Integer, Request
from schema.errors import InvalidRegex, StoreRejected
from schema.events.tables import LOG, SINGLE_VALUE_ITER
from schema.registry import Entity
from schema.store import Store
from schema.store.tombstone_filters import DELETED_SEQS_SQL, OF_ENTITIES_SQL

MAX_PATTERN = 1000  # characters
CANNOT_COMPILE_REGEXP = 427
NAMES_SQL = f"""
SELECT task, metric, arraySort(groupUniqArray(variant)) AS variants, count() OVER () AS total
FROM metric_index
WHERE {OF_ENTITIES_SQL} AND since = {DELETED_SEQS_SQL}[task] AND $conditions
GROUP BY task, metric ORDER BY task, metric$page
"""
OF_TYPE = "event_type = {event_type:String}"
NO_CLEARED_LINES = f"NOT (event_type = '{LOG}' AND has({{cleared:Array(String)}}, task))"
ON_AXIS = f"max_iter > {SINGLE_VALUE_ITER}"
MATCHES = "match(metric, {pattern:String})"
PAGE = " LIMIT {page_size:UInt64} OFFSET {start:UInt64}"


class MetricPage(Request):
    """A choice among the metrics of an entity, by name. Eventide's own.

    ``pattern``: an RE2 regular expression that is found in the metric's name; empty: any. Without ``page_size`` there
    is one page of all.
    """

    pattern: Annotated[str, Field(max_length=MAX_PATTERN)] = ""
    page: Annotated[Integer, Field(ge=0, le=2**31)] = 0
    page_size: Annotated[Integer, Field(ge=0, le=2**31)] = 0

    @property
    def is_part(self) -> bool:
        """Whether anything is left out."""
        return bool(self.pattern or self.page_size)


ALL_METRICS = MetricPage()


class MetricNames(NamedTuple):
    """A metric of an entity, and its variants, sorted."""

    task: str
    metric: str
    variants: Sequence[str]


@dataclass(frozen=True)
class NamesPage:
    """A page of metrics, sorted by entity and name. ``total``: of all pages; 0 also of a page behind the last."""

    metrics: Sequence[MetricNames]
    total: int


@dataclass(frozen=True)
class NameQuery:
    """A question for the names of entities.

    ``on_axis``: of events with an iteration, other than single values. ``cleared``: ids of those whose log lines do not
    count, as some of them were deleted apart from other events.
    """

    entities: Sequence[Entity]
    event_type: str = ANY_TYPE
    on_axis: bool = False
    cleared: Collection[str] = ()
    page: MetricPage = ALL_METRICS

    def statement(self) -> str:
        """Return NAMES_SQL with its conditions."""
        conditions = [NO_CLEARED_LINES if self.cleared else TRUE_SQL]
        conditions += [OF_TYPE] if self.event_type != ANY_TYPE else []
        conditions += [ON_AXIS] if self.on_axis else []
        conditions += [MATCHES] if self.page.pattern else []
        page = PAGE if self.page.page_size else ""
        return fill(NAMES_SQL, {"$conditions": " AND ".join(conditions), "$page": page})

    def parameters(self) -> Mapping[str, Any]:
        """Return the statement's parameters."""
        page = self.page
        chosen = {"pattern": page.pattern, "page_size": page.page_size, "start": page.page * page.page_size}
        more = {"event_type": self.event_type, "cleared": list(self.cleared)}
        return entities_parameters(self.entities) | chosen | more


async def read_names(store: Store, query: NameQuery) -> NamesPage:
    """Read the names that are asked for. Raises InvalidRegex for a pattern that is none."""
    try:
        found = await store.read_columns(query.statement(), query.parameters())
    except StoreRejected as error:
        if query.page.pattern and error.number == CANNOT_COMPILE_REGEXP:
            raise InvalidRegex(f"pattern: {query.page.pattern} is no regular expression of RE2") from error
        raise
    names = map(MetricNames, found["task"], found["metric"], found["variants"])
    return NamesPage(list(names), found["total"][0] if found["total"] else 0)
