"""The endpoint ``tasks.get_table``: a page of a table of tasks, with columns, filter, order and total in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from query.context import QueryContext
from query.registry.listing import GetAll, Listing, condition_of, storage_company
from query.registry.tasks import VOCABULARY
from query.task_table.columns import Column, Source, column_of, value_in
from query.task_table.parser import parse
from query.task_table.plan import Planner
from query.task_table.rows import Rows, Sort, by_id, names_of_references
from schema.api.requests import Integer, Texts
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidField
from schema.registry import TASKS, Document, PageBounds

MAX_COLUMNS = 100
MAX_ORDERS = 5
MAX_LIMIT = 1000
MAX_OFFSET = 10**9
DEFAULT_ORDER = ["-updated"]

endpoints = Endpoints(Tier.QUERY)


class GetTable(GetAll):
    """A page of a table of tasks; all other fields are filters, as of ``tasks.get_all``.

    ``filter``: text of the filter language; ``columns``: their names in it; ``order_by``: such names, ``-name``:
    descending; ``offset``, ``limit``: of the rows.
    """

    filter: str = ""
    columns: Annotated[Texts, Field(max_length=MAX_COLUMNS)] = []
    order_by: Annotated[Texts, Field(max_length=MAX_ORDERS)] = []
    offset: Annotated[Integer, Field(ge=0, le=MAX_OFFSET)] = 0
    limit: Annotated[Integer, Field(ge=0, le=MAX_LIMIT)] = 100

    @property
    def filters(self) -> dict[str, Any]:
        """The fields that say which documents to list, besides ``filter``."""
        return {"id": self.id} | (self.model_extra or {})

    @property
    def order(self) -> list[Sort]:
        """The order. Raises InvalidField."""
        return [_sort(name) for name in self.order_by or DEFAULT_ORDER]


@endpoints.add("tasks.get_table", "2.34")
async def get_table(context: QueryContext, caller: Caller, request: GetTable) -> Answer:
    """Return ``{"total", "tasks": [{"id", "values": [one of each column]}]}``.

    Values of metrics are doubles as they were reported. Raises InvalidField, which names the character of ``filter``
    that cannot be read, BadValue and InvalidRegex.
    """
    columns = [column_of(name) for name in request.columns]
    base = await condition_of(context, caller, Listing(VOCABULARY, request.model_copy(update={"order_by": []})))
    plan = await Planner(context, caller).plan(parse(request.filter))
    found = await Rows(context, caller, base, plan, request.order).page(request.offset, request.limit)
    values = await _values(context, caller, found.ids, columns)
    rows = [{"id": key, "values": [of[key] for of in values]} for key in found.ids if all(key in of for of in values)]
    return {"total": found.total, "tasks": rows}


def _sort(name: str) -> Sort:
    """Return the order that a name, with or without a minus, means. Raises InvalidField."""
    column = column_of(name.removeprefix("-"))
    if column.source is Source.TAGS:
        raise InvalidField("order_by: tags have no order")
    return Sort(column, name.startswith("-"))


async def _values(
    context: QueryContext, caller: Caller, ids: Sequence[str], columns: Sequence[Column]
) -> list[Mapping[str, Any]]:
    """Return the values of each column by id, without tasks that are gone meanwhile."""
    fields = frozenset(("company", "company_origin")).union(*(column.fields for column in columns))
    found = await context.registry.find(TASKS, view_of(caller), by_id(ids), PageBounds(fields=fields)) if ids else []
    documents = {task["id"]: task for task in found}
    storage = {key: storage_company(task) for key, task in documents.items()}
    paths = [column.path for column in columns if column.source is Source.STATISTIC]
    numbers = await context.caches.statistics.columns.of_many(storage, paths)
    return [
        numbers[column.path]
        if column.source is Source.STATISTIC
        else await _column_of_registry(context, caller, documents, column)
        for column in columns
    ]


async def _column_of_registry(
    context: QueryContext, caller: Caller, documents: Mapping[str, Document], column: Column
) -> Mapping[str, Any]:
    values = {key: value_in(task, column) for key, task in documents.items()}
    if column.source is not Source.REFERENCE:
        return values
    names = await names_of_references(context, caller, column, {value for value in values.values() if value})
    return {key: names.get(value) for key, value in values.items()}
