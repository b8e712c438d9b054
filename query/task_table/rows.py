"""The tasks that a filter lets through, sorted: as far as the registry can do it there, else in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from query.context import QueryContext
from query.registry.statistics_order import sorted_by
from query.task_table.columns import DURATION_FIELDS, Column, Source, duration_of
from query.task_table.plan import Both, ColumnTest, Either, Except, Plan, is_condition
from query.task_table.values import Values, holding, sort_key_of
from schema.api.visibility import may_see, view_of
from schema.api.wire import Caller
from schema.fairness.computing import compute_if
from schema.registry import PROJECTS, TASKS, Condition, OneOf, Order, PageBounds, every, owner_of

MANY = 5000  # tasks whose values are compared on a thread


@dataclass(frozen=True)
class Sort:
    """A column to sort by."""

    column: Column
    descending: bool


@dataclass(frozen=True)
class Found:
    """The ids of a page, and how many tasks there are on all pages."""

    ids: list[str]
    total: int


@dataclass
class Rows:
    """A search for tasks that ``base`` and ``plan`` let through."""

    context: QueryContext
    caller: Caller
    base: Condition
    plan: Plan
    order: Sequence[Sort]
    _storage: dict[str, str] = field(default_factory=dict)  # by id, the company under which its events are stored
    _values: dict[Column, Values] = field(default_factory=dict)
    _sets: dict[Plan, set[str]] = field(default_factory=dict)  # ids that pass a nested condition

    async def page(self, offset: int, limit: int) -> Found:
        """Return a page of the sorted tasks. Raises InvalidField, and InvalidRegex."""
        if is_condition(self.plan) and all(sort.column.is_sorted_by_registry for sort in self.order):
            return await self._page_of_registry(every(self.base, self.plan), offset, limit)  # type: ignore[arg-type]
        ids = await self._all()
        return Found(ids[offset : offset + limit], len(ids))

    async def _page_of_registry(self, condition: Condition, offset: int, limit: int) -> Found:
        registry, view = self.context.registry, view_of(self.caller)
        order = [Order(sort.column.path, sort.descending) for sort in self.order]
        bounds = PageBounds(order, offset, limit, frozenset(("company",)))
        found, counts = await asyncio.gather(
            registry.find(TASKS, view, condition, bounds), registry.tally(TASKS, view, condition, ["status"])
        )
        return Found([task["id"] for task in found], sum(tally.count for tally in counts))

    async def _all(self) -> list[str]:
        """Return the ids of all tasks that match, sorted."""
        condition, rest = self._split()
        columns = {test.column for test in tests_in(rest)} | {sort.column for sort in self.order}
        await self._read(condition, columns)
        await self._read_conditions(condition, rest)
        return await compute_if(len(self._storage) > MANY, self._matching, rest)

    def _split(self) -> tuple[Condition, Plan]:
        """Return the condition on all rows, and what is left to test of them."""
        if is_condition(self.plan):
            return every(self.base, self.plan), Both(())  # type: ignore[arg-type]
        if isinstance(self.plan, Both):
            first, *rest = self.plan.parts
            return every(self.base, first), Both(tuple(rest))  # type: ignore[arg-type]
        return self.base, self.plan

    async def _read(self, condition: Condition, columns: set[Column]) -> None:
        """Read the rows and the values of these columns."""
        paths = {column: registry_fields(column) for column in columns}
        fields = list(dict.fromkeys(path for of in paths.values() for path in of))
        rows = await self.context.registry.find_values(TASKS, view_of(self.caller), condition, fields)
        self._storage = {key: row[0] for key, row in rows.items()}
        places = {path: place for place, path in enumerate(fields, 1)}
        for column in columns:
            if column.source is Source.STATISTIC:
                self._values[column] = await self.context.caches.statistics.columns.of(self._storage, column.path)
            elif column.source is Source.DURATION:
                of = [places[path] for path in paths[column]]
                self._values[column] = {key: duration_of([row[place] for place in of]) for key, row in rows.items()}
            else:
                place = places[column.path]
                self._values[column] = {key: row[place] for key, row in rows.items()}
        for column in columns:
            if column.source is Source.REFERENCE:
                self._values[column] = await self._names(column)

    async def _names(self, column: Column) -> Values:
        values = self._values[column]
        names = await names_of_references(self.context, self.caller, column, {key for key in values.values() if key})
        return {key: names.get(value) for key, value in values.items()}

    async def _read_conditions(self, base: Condition, plan: Plan) -> None:
        """Read the ids that pass each condition which is nested among tests in memory."""
        match plan:
            case Both(parts) | Either(parts):
                for part in parts:
                    await self._read_conditions(base, part)
            case Except(part):
                await self._read_conditions(base, part)
            case ColumnTest():
                return
            case _:
                ids = await self.context.registry.find_ids(TASKS, view_of(self.caller), every(base, plan))
                self._sets[plan] = set(ids)

    def _matching(self, plan: Plan) -> list[str]:
        found = self._holding(plan)
        ids = sorted(key for key in self._storage if key in found)
        for place in reversed(range(len(self.order))):
            sort = self.order[place]
            keys = {key: sort_key_of(sort.column, self._values[sort.column][key]) for key in ids}
            ids = sorted_by(ids, keys, sort.descending, empty_last=True)
        return ids

    def _holding(self, plan: Plan) -> set[str]:
        match plan:
            case Both(parts):
                return set(self._storage).intersection(*map(self._holding, parts))
            case Either(parts):
                return set().union(*map(self._holding, parts))
            case Except(part):
                return self._storage.keys() - self._holding(part)
            case ColumnTest(column):
                return holding(plan, self._values[column])
            case _:
                return self._sets[plan]


def tests_in(plan: Plan) -> list[ColumnTest]:
    """Return the tests in memory of a plan."""
    match plan:
        case Both(parts) | Either(parts):
            return [test for part in parts for test in tests_in(part)]
        case Except(part):
            return tests_in(part)
        case ColumnTest():
            return [plan]
    return []


def registry_fields(column: Column) -> tuple[str, ...]:
    """Return the registry's fields that a column's values are made of."""
    if column.source is Source.DURATION:
        return DURATION_FIELDS
    return () if column.source is Source.STATISTIC else (column.path,)


async def names_of_references(
    context: QueryContext, caller: Caller, column: Column, ids: set[str]
) -> Mapping[str, str]:
    """Return the names by id of users, or of the projects that the caller may see."""
    if column.path == "user":
        return await context.registry.names_of_users(ids)
    named = await context.registry.get_many(PROJECTS, ids)
    return {project["id"]: project["name"] for project in named if may_see(caller, owner_of(PROJECTS, project))}


def by_id(ids: Sequence[str]) -> Condition:
    """Return the condition of these tasks."""
    return OneOf("id", tuple(ids))
