"""MLflow's language of searches: ``metrics.loss < 0.5 AND params.model = 'cnn'``, and orders: ``metrics.loss DESC``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from schema.errors import InvalidField
from schema.fairness.computing import compute_if

MAX_CHARACTERS, MAX_CLAUSES = 10_000, 100
MANY = 100  # runs, from which on to compare them takes longer than others should wait
TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\"|`[^`]*`)|(?P<mark><=|>=|!=|[=<>(),])|(?P<word>[^\s'\"`<>=!(),]+))", re.A
)
KINDS = {
    **dict.fromkeys(("metrics", "metric"), "metrics"),
    **dict.fromkeys(("params", "param", "parameters", "parameter"), "params"),
    **dict.fromkeys(("tags", "tag"), "tags"),
    **dict.fromkeys(("attributes", "attribute", "attr", "run"), "attributes"),
}
NAMES = {"run name": "run_name", "Run name": "run_name", "Created": "start_time", "run_uuid": "run_id"}
NUMBERS = frozenset(("start_time", "end_time", "creation_time", "last_update_time", "creation_timestamp"))
NUMERIC: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
Fields = Mapping[str, Mapping[str, Any]]  # "metrics", "params", "tags" and "attributes", each by name


@dataclass(frozen=True)
class Field:
    """What is compared or sorted by. ``kind``: metrics, params, tags or attributes."""

    kind: str
    name: str

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.kind == "metrics" or (self.kind == "attributes" and self.name in NUMBERS)

    def of(self, fields: Fields) -> Any:
        """Return its value; None if there is none."""
        return fields.get(self.kind, {}).get(self.name)


@dataclass(frozen=True)
class Clause:
    """A comparison. ``operand``: a number, a text, or several texts for IN."""

    field: Field
    comparison: str
    operand: Any = None

    def holds(self, fields: Fields) -> bool:
        """Tell whether it holds of a run or experiment; only ``IS NULL`` does where there is no value."""
        value = self.field.of(fields)
        match self.comparison:
            case "IS NULL" | "IS NOT NULL":
                return (value is None) == (self.comparison == "IS NULL")
            case _ if value is None:
                return False
            case "IN" | "NOT IN":
                return (value in self.operand) == (self.comparison == "IN")
            case "LIKE" | "ILIKE":
                fold = str.lower if self.comparison == "ILIKE" else str
                return is_like(fold(str(value)), fold(self.operand))
            case _:
                return NUMERIC[self.comparison](value, self.operand)


@dataclass(frozen=True)
class SortOrder:
    """A field to sort by."""

    field: Field
    is_descending: bool

    def sort(self, found: list[Any], fields_of: Callable[[Any], Fields]) -> None:
        """Sort in place and stably; what has no value, or NaN, comes last."""
        with_values = [(self.field.of(fields_of(one)), one) for one in found]
        known = [(value, one) for value, one in with_values if not _is_missing(value)]
        known.sort(key=lambda pair: pair[0], reverse=self.is_descending)
        found[:] = [one for _, one in known] + [one for value, one in with_values if _is_missing(value)]


@dataclass(frozen=True)
class Selection:
    """What a search selects, and how it is sorted. ``fields_of``: the parts of a run or experiment."""

    clauses: Sequence[Clause]
    orders: Sequence[SortOrder]
    fields_of: Callable[[Any], Fields]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of fields that are compared or sorted by."""
        fields = [clause.field for clause in self.clauses] + [order.field for order in self.orders]
        return frozenset(field.kind for field in fields)

    async def matching(self, found: Sequence[Any]) -> list[Any]:
        """Return each that all comparisons hold of, and None in place of each other one."""
        return await compute_if(len(found) >= MANY, self._matching, found)

    async def selected(self, found: Sequence[Any]) -> list[Any]:
        """Return those that all comparisons hold of, sorted."""
        return await compute_if(len(found) >= MANY, self._selected, found)

    def _matching(self, found: Sequence[Any]) -> list[Any]:
        return [one if self._holds(self.fields_of(one)) else None for one in found]

    def _holds(self, fields: Fields) -> bool:
        return all(clause.holds(fields) for clause in self.clauses)

    def _selected(self, found: Sequence[Any]) -> list[Any]:
        with_fields = [(one, fields) for one in found if self._holds(fields := self.fields_of(one))]
        for order in reversed(self.orders):
            order.sort(with_fields, itemgetter(1))
        return [one for one, _ in with_fields]


def parse_filter(text: str) -> list[Clause]:
    """Return the comparisons of a filter, all of which must hold. Raises InvalidField."""
    tokens = _tokens(text)
    clauses: list[Clause] = []
    while tokens:
        clauses.append(_clause(tokens))
        if tokens and (len(tokens) == 1 or tokens.pop(0).upper() != "AND"):
            raise InvalidField("filter: comparisons are joined by AND alone")
        if len(clauses) > MAX_CLAUSES:
            raise InvalidField(f"filter: at most {MAX_CLAUSES} comparisons")
    return clauses


def parse_order(texts: Sequence[str]) -> list[SortOrder]:
    """Return the orders of a search. Raises InvalidField."""
    found = []
    for text in texts:
        tokens = _tokens(text)
        direction = tokens.pop().upper() if tokens and tokens[-1].upper() in ("ASC", "DESC") else "ASC"
        found.append(SortOrder(_field(tokens), direction == "DESC"))
        if tokens:
            raise InvalidField(f"order_by: {text}")
    return found


def is_like(text: str, pattern: str) -> bool:
    """Tell whether a text is as a pattern of SQL, in which % stands for any text and _ for any character.

    It takes time in proportion to text times pattern, where a regular expression of many % could take for ever.
    """
    first, *others = [_any_character(part) for part in pattern.split("%")]
    if not others:
        return first.fullmatch(text) is not None
    if not (found := first.match(text)):
        return False
    place = found.end()
    for part in others[:-1]:
        if not (found := part.search(text, place)):
            return False
        place = found.end()
    length = len(pattern.rpartition("%")[2])
    return len(text) - length >= place and others[-1].fullmatch(text, len(text) - length) is not None


def _any_character(part: str) -> re.Pattern[str]:
    return re.compile("".join("." if letter == "_" else re.escape(letter) for letter in part), re.S)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _tokens(text: str) -> list[str]:
    if len(text) > MAX_CHARACTERS:
        raise InvalidField(f"A filter has at most {MAX_CHARACTERS} characters")
    tokens, place, text = [], 0, text.strip()
    while place < len(text):
        if not (found := TOKEN.match(text, place)):
            raise InvalidField(f"filter: not understood from character {place} on")
        tokens.append(found[0].strip())
        place = found.end()
    return tokens


def _clause(tokens: list[str]) -> Clause:
    field = _field(tokens)
    comparison = _next(tokens).upper()
    if comparison == "IS":
        words = [_next(tokens).upper()]
        words += [_next(tokens).upper()] if words == ["NOT"] else []
        comparison = " ".join((comparison, *words))
        if comparison not in ("IS NULL", "IS NOT NULL"):
            raise InvalidField(f"filter: {comparison}")
        return Clause(field, comparison)
    if comparison == "NOT":
        comparison = f"NOT {_next(tokens).upper()}"
    if comparison in ("IN", "NOT IN"):
        return Clause(field, comparison, _listed(tokens))
    return _compared(field, comparison, _next(tokens))


def _compared(field: Field, comparison: str, operand: str) -> Clause:
    if field.is_number:
        if comparison not in NUMERIC:
            raise InvalidField(f"filter: {comparison} is not for numbers")
        return Clause(field, comparison, _number(operand))
    if comparison not in ("=", "!=", "LIKE", "ILIKE"):
        raise InvalidField(f"filter: {comparison} is not for texts")
    return Clause(field, comparison, _text(operand))


def _listed(tokens: list[str]) -> tuple[str, ...]:
    found = []
    if _next(tokens) != "(":
        raise InvalidField("filter: IN expects a list in parentheses")
    while (item := _next(tokens)) != ")":
        if item != ",":
            found.append(_text(item))
    return tuple(found)


def _field(tokens: list[str]) -> Field:
    """Return the field that tokens begin with: ``metrics.loss``, ``params."a b"``, `` tags.`x` ``, ``start_time``."""
    word = _next(tokens)
    kind, dot, name = word.partition(".")
    if dot and not name:
        name = _text(_next(tokens))
    if not dot:
        kind, name = "attributes", _text(word) if word[0] in "'\"`" else word
    if kind not in KINDS:
        raise InvalidField(f"filter: {word} is neither of metrics, params, tags nor attributes")
    return Field(KINDS[kind], NAMES.get(name, name) if KINDS[kind] == "attributes" else name)


def _next(tokens: list[str]) -> str:
    if not tokens:
        raise InvalidField("filter: something is missing at the end")
    return tokens.pop(0)


def _text(token: str) -> str:
    if len(token) < 2 or token[0] not in "'\"`":
        raise InvalidField(f"filter: a text in quotes is expected, not {token}")
    return token[1:-1]


def _number(token: str) -> float:
    try:
        return float(token)
    except ValueError as error:
        raise InvalidField(f"filter: a number is expected, not {token}") from error
