"""What a filter says, as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~", "!~", "in", "not in"]
OPPOSITES: dict[Operator, Operator] = {"!=": "=", "!~": "~", "not in": "in"}


@dataclass(frozen=True)
class Search:
    """A word, or a regular expression, that a task's name or a tag contains, or, if long, its id; whatever the case."""

    pattern: str
    position: int


@dataclass(frozen=True)
class Comparison:
    """A column compared with values, of which ``in`` has several. None: no value."""

    name: tuple[str, ...]
    operator: Operator
    values: tuple[str | None, ...]
    position: int


@dataclass(frozen=True)
class AllOf:
    """An expression of which all parts must hold."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class AnyOf:
    """An expression of which at least one part must hold."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class NotSo:
    """An expression of which the part must not hold."""

    part: Expression


Expression = Search | Comparison | AllOf | AnyOf | NotSo
EVERY_TASK = AllOf(())
