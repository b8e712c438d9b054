"""Searches: conditions, order and page -> SQL. Callers see what their view shows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import sqlalchemy as sa

from schema.errors import InvalidField
from schema.registry.conditions import EVERYTHING, Condition, Every, OneOf, Order, PageBounds, size_of
from schema.registry.database import Database
from schema.registry.documents import Document, join
from schema.registry.listed_rows import MAX_BYTES, MAX_READ_BYTES, body_bytes, listed_rows
from schema.registry.tables import Kind
from schema.registry.view import PUBLIC, View
from schema.registry.where import value_of, where

NEVER_NULL = frozenset(("id", "company", "name", "status", "created", "last_update"))
MAX_BRANCHES = 50
MAX_PARTS = 500  # of a condition: to make a statement of a thousand takes 0.2 s; of all branches of one together
NUMBER = r"^[-+]?([0-9]{1,99}(\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]{1,2})?$"
MAX_DOUBLE = sys.float_info.max
DEFAULT_ORDER = (Order("created"),)
EMPTY = ("", "[]", "{}")  # as they stand in JSON


@dataclass(frozen=True)
class Tally:
    """The number of documents with one combination of values, and the sum of their ``active_duration`` (seconds)."""

    values: tuple[Any, ...]
    count: int
    seconds: int


class Search(Database):
    """Searches for documents. All raise InvalidRegex for a pattern that is none."""

    async def find(
        self, kind: Kind, view: View, condition: Condition = EVERYTHING, page: PageBounds | None = None
    ) -> list[Document]:
        """Return a page of the documents that match, sorted; ties by id. Raises InvalidField for too many bytes."""
        _check_size(condition)
        await self.settle()
        return await self._read(partial(_find, kind, view, condition, page or PageBounds()))

    async def find_ids(self, kind: Kind, view: View, condition: Condition) -> dict[str, str]:
        """Return, by id, the company under which the events of all matching documents are stored."""

        def find(connection: sa.Connection) -> dict[str, str]:
            query = sa.select(kind.rows.c.id, _storage(kind)).where(*_visible(kind, view, condition))
            return {key: storage for key, storage in connection.execute(query)}

        return await self._read(find)

    async def find_values(
        self, kind: Kind, view: View, condition: Condition, fields: Sequence[str]
    ) -> dict[str, tuple[Any, ...]]:
        """Return the same as ``find_ids`` for very many documents, with the sort key of each of ``fields``."""

        def find(connection: sa.Connection) -> dict[str, tuple[Any, ...]]:
            columns = (_storage(kind), *(value_of(kind, field) for field in fields))
            query = sa.select(kind.rows.c.id, *columns).where(*_visible(kind, view, condition, often=None))
            return {key: tuple(values) for key, *values in connection.execute(query)}

        return await self._read(find)

    async def tally(self, kind: Kind, view: View, condition: Condition, by: Sequence[str]) -> list[Tally]:
        """Count the matching documents for each combination of values of the columns ``by``."""
        columns = [kind.rows.c[name] for name in by]
        seconds = kind.rows.c.active_duration if "active_duration" in kind.rows.c else sa.literal(0)
        query = sa.select(*columns, sa.func.count(), sa.func.coalesce(sa.func.sum(seconds), 0))
        query = query.where(*_visible(kind, view, condition)).group_by(*columns)
        return await self._read(lambda c: [Tally(tuple(row[:-2]), row[-2], int(row[-1])) for row in c.execute(query)])

    async def distinct(self, kind: Kind, view: View, field: str, condition: Condition = EVERYTHING) -> list[str]:
        """Return the values of a column or list of terms in the matching documents, sorted."""
        if field in kind.term_fields:
            value, matching = kind.terms.c.value, sa.select(kind.rows.c.id).where(*_visible(kind, view, condition))
            query = sa.select(value).where(kind.terms.c.field == field, kind.terms.c.id.in_(matching)).distinct()
        else:
            value = kind.rows.c[field]
            query = sa.select(value).where(*_visible(kind, view, condition), value.is_not(None)).distinct()
        return await self._read(lambda c: sorted(c.execute(query).scalars()))


def _find(kind: Kind, view: View, condition: Condition, page: PageBounds, connection: sa.Connection) -> list[Document]:
    """Make the statement here, on a thread: of long paths that takes 0.1 s, for which the event loop would stand."""
    by_id = any(isinstance(part, OneOf) and part.field == "id" for part in _parts(condition))
    query = (_few if by_id else _many)(kind, view, condition, page)
    limit = MAX_BYTES if page.fields is None else MAX_READ_BYTES
    return [_project(row, page) for row in listed_rows(connection, query, limit)]


def _check_size(condition: Condition) -> None:
    """Raise InvalidField for a condition of more parts than a statement should have."""
    if size_of(condition).parts > MAX_PARTS:
        raise InvalidField(f"A search has at most {MAX_PARTS} conditions; each tag that must be there is one")


def _visible(kind: Kind, view: View, condition: Condition, often: bool | None = False) -> list[sa.ColumnElement[bool]]:
    _check_size(condition)
    return [kind.rows.c.company.in_((view.company, PUBLIC)), *view.limits(kind), where(kind, condition, often=often)]


def _storage(kind: Kind) -> sa.ColumnElement[str]:
    """Return the SQL of the company under which a document's events are stored."""
    rows = kind.rows.c
    return sa.case((rows.company != PUBLIC, rows.company), else_=sa.func.coalesce(rows.company_origin, PUBLIC))


def _few(kind: Kind, view: View, condition: Condition, page: PageBounds) -> sa.Select[Any]:
    """Search among documents that are named by id, where no other index matters."""
    query = _columns(kind, page).where(*_visible(kind, view, condition))
    query = query.order_by(*_sort_keys(kind, page.order), kind.rows.c.id)
    return query if page.limit is None else query.limit(page.limit).offset(page.offset)


def _many(kind: Kind, view: View, condition: Condition, page: PageBounds) -> sa.Select[Any]:
    """Search for the ids and sort keys of the page first, then for their documents."""
    order = _sort_keys(kind, page.order)
    found = _page(kind, view, condition, order, page)
    return _columns(kind, page).join(found, found.c.id == kind.rows.c.id).order_by(*_again(found, order))


def _columns(kind: Kind, page: PageBounds) -> sa.Select[Any]:
    """Return the columns that a page shows; bodies are read only if a field is in them."""
    columns = [column for column in kind.rows.c if _is_wanted(column.name, page)]
    if page.fields is not None and page.fields <= set(kind.rows.c.keys()):
        return sa.select(*columns).select_from(kind.rows)
    return sa.select(*columns, kind.bodies.c.body, body_bytes(kind)).join(
        kind.bodies, kind.bodies.c.id == kind.rows.c.id
    )


def _page(
    kind: Kind, view: View, condition: Condition, order: list[sa.ColumnElement[Any]], page: PageBounds
) -> sa.Subquery:
    """Return a union of branches that can each follow an index, which an IN could not."""
    keys = [_key_of(by).label(f"key{number}") for number, by in enumerate(order)]
    branches = []
    for owner, part in product(dict.fromkeys((view.company, PUBLIC)), _by_project(condition)):
        matching = (kind.rows.c.company == owner, *view.limits(kind), where(kind, part))
        branch = sa.select(kind.rows.c.id, *keys).where(*matching)
        if page.limit is not None:
            branch = branch.order_by(*order, kind.rows.c.id).limit(page.offset + page.limit)
        branches.append(sa.select(branch.subquery()))
    both = sa.union_all(*branches).subquery()
    query = sa.select(both).order_by(*_again(both, order))
    if page.limit is not None:
        query = query.limit(page.limit).offset(page.offset)
    return query.subquery()


def _by_project(condition: Condition) -> list[Condition]:
    """Split a condition by the projects that it names."""
    parts, most = _parts(condition), min(MAX_BRANCHES, MAX_PARTS // max(1, size_of(condition).parts))
    for part in parts:
        if isinstance(part, OneOf) and part.field == "project" and 0 < len(part.values) <= most:
            others = tuple(other for other in parts if other is not part)
            return [Every((OneOf("project", (project,)), *others)) for project in dict.fromkeys(part.values)]
    return [condition]


def _parts(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions that must all hold."""
    return condition.parts if isinstance(condition, Every) else (condition,)


def _sort_keys(kind: Kind, order: Sequence[Order]) -> list[sa.ColumnElement[Any]]:
    """Return sort keys: columns as they are, values inside documents as a number first if they are one (9 before 10).

    Documents without a value for the first key come last in either direction; for further keys no value is smallest.
    """
    keys: list[sa.ColumnElement[Any]] = []
    for place, by in enumerate(order or DEFAULT_ORDER):
        value = value_of(kind, by.field)
        if kind.column(by.field) is None:
            value = _none_if_empty(value)
            keys.append(_directed(by, _number(value), empty_last=place == 0))
        keys.append(_directed(by, value, empty_last=place == 0))
    return keys


def _none_if_empty(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return null for texts, lists and objects in documents that are empty."""
    return sa.case((value.in_(EMPTY), sa.null()), else_=value)


def _number(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the SQL of the number that a text is; other texts are greater than all numbers."""
    return sa.case(
        (value.regexp_match(NUMBER), sa.cast(value, sa.Double)), (value.is_not(None), sa.literal(MAX_DOUBLE))
    )


def _directed(by: Order, key: sa.ColumnElement[Any], empty_last: bool) -> sa.ColumnElement[Any]:
    """Return a sort key with its direction.

    Of a column without nulls the statement says nothing about them, so that an index fits.
    """
    directed = key.desc() if by.descending else key.asc()
    if by.field in NEVER_NULL:
        return directed
    return directed.nulls_last() if by.descending or empty_last else directed.nulls_first()


def _key_of(by: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return what is sorted by, without the direction."""
    while isinstance(by, sa.UnaryExpression):
        by = by.element
    return by


def _again(rows: sa.Subquery, order: list[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[Any]]:
    """Sort by the keys that a page's rows carry, then by id."""
    return [*(_directed_as(by, rows.c[f"key{number}"]) for number, by in enumerate(order)), rows.c.id]


def _directed_as(by: sa.ColumnElement[Any], key: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if not isinstance(by, sa.UnaryExpression):
        return key
    return sa.UnaryExpression(_directed_as(by.element, key), modifier=by.modifier)


def _is_wanted(column: str, page: PageBounds) -> bool:
    return column == "id" or page.fields is None or column in page.fields


def _project(row: dict[str, Any], page: PageBounds) -> Document:
    body = row.pop("body", {})
    if page.fields is not None:
        body = {name: value for name, value in body.items() if name in page.fields}
    return join(row, body)
