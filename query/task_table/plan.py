"""A filter as what to do: conditions that the registry tests, and tests of columns that only Python can make."""

from __future__ import annotations

from dataclasses import dataclass

from query.context import QueryContext
from query.registry.filters import date_text, pattern
from query.task_table.columns import Column, Source, column_at
from query.task_table.syntax import OPPOSITES, AllOf, AnyOf, Comparison, Expression, NotSo, Operator, Search
from query.task_table.tokens import FilterError
from schema.api.visibility import view_of
from schema.api.wire import Caller
from schema.errors import BadValue, InvalidField
from schema.registry import PROJECTS, Between, Condition, Matches, Not, OneOf, begins_with, every, matching, some

SEARCHED = ("name", "tags")
ID_CHARACTERS = 8  # of a word that is also looked for in ids, in which shorter ones are found by chance
STATUSES = {"running": "in_progress"}  # as the page names it
ORDERS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class ColumnTest:
    """A comparison of the values of a column with the wanted ones (None: no value); never one of OPPOSITES."""

    column: Column
    operator: Operator
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class Both:
    """A plan of which all parts must hold."""

    parts: tuple[Plan, ...]


@dataclass(frozen=True)
class Either:
    """A plan of which at least one part must hold."""

    parts: tuple[Plan, ...]


@dataclass(frozen=True)
class Except:
    """A plan of which the part must not hold."""

    part: Plan


Plan = Condition | ColumnTest | Both | Either | Except
InPython = ColumnTest | Both | Either | Except


def is_condition(plan: Plan) -> bool:
    """Tell whether the registry alone can test a plan."""
    return not isinstance(plan, InPython)


@dataclass(frozen=True)
class Planner:
    """What makes plans of expressions for a caller. All raise FilterError."""

    context: QueryContext
    caller: Caller

    async def plan(self, expression: Expression) -> Plan:
        """Return the plan of an expression: as much of it as one condition as is possible."""
        match expression:
            case AllOf(parts):
                return _together([await self.plan(part) for part in parts])
            case AnyOf(parts):
                plans = [await self.plan(part) for part in parts]
                return some(*_conditions(plans)) if all(map(is_condition, plans)) else Either(tuple(plans))
            case NotSo(part):
                return _negated(await self.plan(part))
            case Search(text):
                fields = (*SEARCHED, "id") if len(text) >= ID_CHARACTERS else SEARCHED
                return some(*(Matches(field, text, ignore_case=True) for field in fields))
            case Comparison():
                return await self._comparison(expression)

    async def _comparison(self, comparison: Comparison) -> Plan:
        operator = OPPOSITES.get(comparison.operator, comparison.operator)
        try:
            column = column_at(comparison.name)
            _check(column, operator, comparison.values)
            plan = await self._positive(column, operator, comparison.values)
        except (InvalidField, BadValue) as error:
            raise FilterError(comparison.position, str(error)) from error
        return plan if operator == comparison.operator else _negated(plan)

    async def _positive(self, column: Column, operator: Operator, values: tuple[str | None, ...]) -> Plan:
        if not column.is_condition:
            return ColumnTest(column, operator, values)
        if column.source is Source.REFERENCE:
            return OneOf(column.path, await self._references(column.path, operator, values))
        if column.source is Source.DATE:
            return _date_condition(column.path, operator, values)
        if operator == "~":
            return pattern(column.path, str(values[0]), ignore_case=True)
        return OneOf(column.path, tuple(_status(column, value) for value in values))

    async def _references(
        self, field: str, operator: Operator, values: tuple[str | None, ...]
    ) -> tuple[str | None, ...]:
        """Return the ids of the users, or of the projects with those in them, that have such a name or id."""
        none = (None,) if None in values else ()
        texts = [value for value in values if value is not None]
        if field == "project":
            return (*none, *await self._projects(operator, texts))
        users = await self.context.registry.users_of(self.caller.company)
        if operator == "~":
            found = set(matching(f"(?i){texts[0]}", {user.name for user in users}))
            return tuple(user.id for user in users if user.name in found)
        return (*none, *(user.id for user in users if user.name in texts or user.id in texts))

    async def _projects(self, operator: Operator, texts: list[str]) -> list[str]:
        if operator == "~":
            condition: Condition = pattern("name", texts[0], ignore_case=True)
        else:
            inside = (begins_with("name", f"{text}/") for text in texts)
            condition = some(OneOf("name", tuple(texts)), OneOf("id", tuple(texts)), *inside)
        return list(await self.context.registry.find_ids(PROJECTS, view_of(self.caller), condition))


def _together(plans: list[Plan]) -> Plan:
    """Return a plan of which all parts must hold, its conditions as one, and that first."""
    rest = [plan for plan in plans if not is_condition(plan)]
    condition = every(*_conditions(plans))
    return Both((condition, *rest)) if rest else condition


def _negated(plan: Plan) -> Plan:
    return Except(plan) if isinstance(plan, InPython) else Not(plan)


def _conditions(plans: list[Plan]) -> list[Condition]:
    return [plan for plan in plans if not isinstance(plan, InPython)]


def _check(column: Column, operator: Operator, values: tuple[str | None, ...]) -> None:
    """Raise InvalidField for an operator that a column does not have."""
    if operator in ORDERS and column.source in (Source.TEXT, Source.TAGS, Source.REFERENCE):
        raise InvalidField(f"{operator} compares numbers and dates")
    if operator in ORDERS and None in values:
        raise InvalidField(f"{operator} compares with a value")
    if operator == "~" and column.source in (Source.DATE, Source.DURATION, Source.STATISTIC):
        raise InvalidField("~ compares texts")


def _date_condition(field: str, operator: Operator, values: tuple[str | None, ...]) -> Condition:
    dates = tuple(None if value is None else date_text(field, value) for value in values)
    if operator not in ORDERS:
        return OneOf(field, dates)
    low, high = (dates[0], None) if operator[0] == ">" else (None, dates[0])
    return Between(field, low, high, strict=len(operator) == 1)


def _status(column: Column, value: str | None) -> str | None:
    return STATUSES.get(value, value) if column.path == "status" and value is not None else value
