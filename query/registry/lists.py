"""Filters on lists, such as tags: values with operators, and objects of what to include and exclude -> conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schema.errors import BadValue, InvalidField
from schema.registry import Condition, Not, OneOf, every, some

OPERATOR = "__$"
ALL, ANY = ("all", "and"), ("any", "or")
NOT, RESET = "not", "nop"
MAX_VALUES = 10_000


def matching(field: str, values: list[Any]) -> Condition:
    """Return the condition for a list of values and operators.

    Without operators: one of the values, and none of those that are negated. An operator begins a group of what
    follows it, all or any of which must hold; the groups are combined as the first operator says. Raises InvalidField,
    and BadValue for an operator that is none or that nothing follows.
    """
    groups = _groups(field, checked_values(field, values))
    conditions = [_group(field, group) for group in groups if group.members]
    first = next((group.operator for group in groups if group.operator), "all")
    return every(*conditions) if first in ALL else some(*conditions)


def list_filter(field: str, parts: Any) -> Condition:
    """Return the condition for ``{"any": {"include", "exclude"}, "all": …, "op": "and"}``. Raises InvalidField."""
    lists = _object(field, parts, ("any", "all", "op"))
    operator = lists.get("op", "and")
    if operator not in ("and", "or"):
        raise InvalidField(f"{field}: op is and, or or")
    found = [
        combine(*conditions)
        for mode, combine in (("any", some), ("all", every))
        if (conditions := list(_included_and_excluded(field, mode, lists.get(mode))))
    ]
    return some(*found) if operator == "or" and found else every(*found)


def checked_values(field: str, values: Any) -> list[Any]:
    """Return what is listed; nothing where there is no list. Raises InvalidField."""
    values = [] if values is None else values
    if not isinstance(values, list) or len(values) > MAX_VALUES or not all(map(_is_value, values)):
        raise InvalidField(f"{field}: a list of at most {MAX_VALUES} values is expected")
    return values


def _included_and_excluded(field: str, mode: str, given: Any) -> Iterator[Condition]:
    """Yield conditions of which any, or all, must hold; values stand together where that means the same."""
    lists = {} if given is None else _object(field, given, ("include", "exclude"))
    included, excluded = (checked_values(field, lists.get(name)) for name in ("include", "exclude"))
    for values in _together(included, mode == "any"):
        yield OneOf(field, values)
    for values in _together(excluded, mode == "all"):
        yield Not(OneOf(field, values))


def _together(values: list[Any], are_one: bool) -> list[tuple[Any, ...]]:
    return ([tuple(values)] if values else []) if are_one else [(value,) for value in values]


def _object(field: str, value: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or set(value) - set(names):
        raise InvalidField(f"{field}: an object of {', '.join(names)} is expected")
    return value


def _is_value(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


@dataclass
class Group:
    """The values that follow one operator: (value, whether it is negated). The first group has none."""

    operator: str | None
    members: list[tuple[Any, bool]]


def _groups(field: str, values: list[Any]) -> list[Group]:
    groups, negated = [Group(None, [])], False
    for value in values:
        operator = _operator(field, value)
        if operator is None:
            groups[-1].members.append(_member(field, value, negated))
            negated = False
        elif negated and operator != RESET:
            raise BadValue(f"{field}: a value is expected after {OPERATOR}{NOT}")
        elif operator in (NOT, RESET):
            negated = operator == NOT
        else:
            groups.append(Group(operator, []))
    if negated:
        raise BadValue(f"{field}: a value is expected after {OPERATOR}{NOT}")
    return groups


def _operator(field: str, value: Any) -> str | None:
    """Return the operator that a value is; None if it is none. Raises BadValue for an unknown one."""
    if not isinstance(value, str) or not value.startswith(OPERATOR):
        return None
    operator = value[len(OPERATOR) :]
    if operator not in (*ALL, *ANY, NOT, RESET):
        raise BadValue(f"{field}: {value} is no operator")
    return operator


def _member(field: str, value: Any, negated: bool) -> tuple[Any, bool]:
    if negated or not isinstance(value, str) or not value.startswith("-"):
        return value, negated
    if value == "-":
        raise BadValue(f"{field}: a value is expected after -")
    return value[1:], True


def _group(field: str, group: Group) -> Condition:
    wanted = tuple(value for value, negated in group.members if not negated)
    unwanted = tuple(value for value, negated in group.members if negated)
    one, none = [OneOf(field, wanted)] if wanted else [], [Not(OneOf(field, unwanted))] if unwanted else []
    if group.operator is None:
        return every(*one, *none)
    if group.operator in ANY:
        return some(*one, *(Not(OneOf(field, (value,))) for value in unwanted))
    return every(*(OneOf(field, (value,)) for value in wanted), *none)
