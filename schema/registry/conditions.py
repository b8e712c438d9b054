"""Conditions of a search, without SQL. A field is a column's name or a dotted path into the document.

In a path ``%2E`` and ``%24`` stand for the dots and dollars of a name itself. In ``hyperparams.*.name.value`` the star
stands for the first section, by name, that has such a hyper-parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

Scalar = str | bool | int | float | None
ESCAPES = {"%2E": ".", "%24": "$"}
ANY_SECTION = "*"


@dataclass(frozen=True)
class OneOf:
    """A field is one of ``values``, or a member of a list field is. None: the field is absent or empty."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Matches:
    """A regular expression is found in a field, or in one member of a list."""

    field: str
    pattern: str
    ignore_case: bool = False


@dataclass(frozen=True)
class Between:
    """A field lies between the bounds, and, if ``strict``, is neither. None: no bound."""

    field: str
    low: Scalar = None
    high: Scalar = None
    strict: bool = False


@dataclass(frozen=True)
class Every:
    """A condition of which all parts must hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """A condition of which at least one part must hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """A condition of which the part must not hold."""

    part: Condition


Condition = OneOf | Matches | Between | Every | Some | Not
EVERYTHING = Every(())


def names_of(field: str) -> list[str]:
    """Return the names on a dotted path."""
    return [unescaped(name) for name in field.split(".")]


def unescaped(name: str) -> str:
    """Return a name on a path as documents spell it."""
    for escape, character in ESCAPES.items():
        name = name.replace(escape, character)
    return name


class Size(NamedTuple):
    """How large a condition is: its simple parts, and the values in them."""

    parts: int
    values: int


def size_of(condition: Condition) -> Size:
    """Return the size of a condition, which says how long a statement of it takes to make."""
    match condition:
        case Every(parts) | Some(parts):
            sizes = [size_of(part) for part in parts]
            return Size(sum(size.parts for size in sizes), sum(size.values for size in sizes))
        case Not(part):
            return size_of(part)
        case OneOf(_, values):
            return Size(1, len(values))
        case _:
            return Size(1, 1)


def every(*parts: Condition) -> Condition:
    """Return the condition that all parts hold, without needless nesting."""
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Every) else (part,))
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def some(*parts: Condition) -> Condition:
    """Return the condition that at least one part holds, without needless nesting."""
    return parts[0] if len(parts) == 1 else Some(parts)


def begins_with(field: str, text: str) -> Matches:
    """Return the condition that the field begins with a text."""
    escaped = "".join(character if character.isalnum() else f"\\{character}" for character in text)
    return Matches(field, f"^{escaped}")


@dataclass(frozen=True)
class Order:
    """A field to sort by."""

    field: str
    descending: bool = False


@dataclass(frozen=True)
class PageBounds:
    """The documents of a page, and which of their top-level ``fields`` to return (None: all)."""

    order: Sequence[Order] = ()
    offset: int = 0
    limit: int | None = None
    fields: frozenset[str] | None = None
