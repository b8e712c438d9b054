"""The filters of ``get_all`` endpoints -> conditions. The same language for tasks, models and projects.

| parameter | means |
|---|---|
| ``name`` and other patterns: text | a regular expression that is found in the field |
| ``tags``, ``status``, …: list | one of the values; ``-x``, ``__$not``: not this; operators: see ``lists.matching`` |
| ``last_update``, …: ``">=2026-01-01"`` | a date, with an optional comparison; several in a list must all hold |
| ``last_update``, …: ``[low, high]`` | two dates without comparisons are a range; null: no bound |
| ``active_duration``, …: ``[low, high]`` | a range of numbers, which may be written as texts; null: no bound |
| ``_any_``, ``_all_``: {pattern, fields} | the pattern is found in any, or in all, of the fields, whatever its case |
| ``_any_``, ``_all_``: {datetime, fields} | the date, comparison or range holds for any, or all, of the dates |
| ``filters``: {field: {any, all, op}} | ``include``, ``exclude``: one of these holds, or all; ``op``: both, or either |

A range without a lower bound includes documents that have no value. Empty lists, null and ``_any_`` without a pattern
mean no filter; unknown fields are ignored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import regex

from query.registry.lists import list_filter, matching
from schema.errors import BadValue, InvalidField, InvalidRegex
from schema.registry import EVERYTHING, Between, Condition, Kind, Matches, OneOf, every, size_of, some

SIGNS = ("<", ">")
COMPARISON = re.compile(r"(?P<sign>[<>]=?)?\s*(?P<date>.+)")
MAX_PATTERN = 2000
MAX_FILTERS = 100
MAX_VALUES = 30_000  # of all filters: PostgreSQL takes 65 535, of two branches
MAX_SEARCHED_FIELDS = 20  # of ``_any_`` and ``_all_``
MAX_REPEATED = 1000  # repetitions in a pattern, multiplied where they are nested
REPEATED = re.compile(r"\{(?:\d*,)?(\d+)")
RECURSIVE = re.compile(r"\(\?(?:R|&|P>|[-+]?\d)")
SEARCHED = ("id", "name", "comment")
DATES = frozenset(("created", "started", "completed", "published", "status_changed", "last_update", "last_change"))
RANGES = frozenset(("active_duration",))


@dataclass(frozen=True)
class Vocabulary:
    """The fields that documents of a kind are filtered and sorted by: ``roots``, the first parts of their paths.

    ``patterns``: fields whose texts are regular expressions. ``has_hidden``: documents tagged ``hidden`` are left out
    unless they are searched for.
    """

    kind: Kind
    roots: frozenset[str]
    patterns: frozenset[str]
    has_hidden: bool = True

    def condition(self, parameters: Mapping[str, Any]) -> Condition:
        """Return the condition that the parameters of a call ask for.

        Raises InvalidField, BadValue and InvalidRegex.
        """
        known = [
            name for name in (*parameters, *_object("filters", parameters.get("filters") or {})) if self.knows(name)
        ]
        if len(known) > MAX_FILTERS:
            raise InvalidField(f"A listing has at most {MAX_FILTERS} filters")
        condition = every(*self._conditions(parameters))
        if size_of(condition).values > MAX_VALUES:
            raise InvalidField(f"The filters of a listing have at most {MAX_VALUES} values")
        return condition

    def _conditions(self, parameters: Mapping[str, Any]) -> Iterator[Condition]:
        for name, value in parameters.items():
            if value is None or value == []:
                continue
            if name in ("_any_", "_all_"):
                yield _multi_field(name, value)
            elif name == "search_text":
                yield _search(value)
            elif name == "filters":
                yield every(*(list_filter(f, parts) for f, parts in _object(name, value).items() if self.knows(f)))
            elif self.knows(name) and name not in (parameters.get("filters") or {}):
                yield self._field(name, value)

    def knows(self, name: str) -> bool:
        """Tell whether a field may be filtered or sorted by."""
        return name.split(".")[0] in self.roots

    def _field(self, name: str, value: Any) -> Condition:
        if name in self.patterns and isinstance(value, str):
            return pattern(name, value)
        if name in DATES:
            return _dates(name, value)
        if name in RANGES and isinstance(value, list):
            bounds = between(name, value)
            return with_missing(bounds)
        if isinstance(value, list):
            return matching(name, value)
        if isinstance(value, str | bool | int | float):
            return OneOf(name, (value,))
        raise InvalidField(f"{name}: a list or a value is expected")


def pattern(field: str, text: str, ignore_case: bool = False) -> Matches:
    """Return a regular expression. Raises InvalidRegex if it is none."""
    try:
        if len(text) > MAX_PATTERN:
            raise InvalidRegex(f"A pattern has at most {MAX_PATTERN} characters")
        _check_memory(text)
        regex.compile(text)
    except (regex.error, RecursionError) as error:
        raise InvalidRegex(f"{field}: {error}") from error
    return Matches(field, text, ignore_case)


def _check_memory(text: str) -> None:
    """Check a pattern for what no time limit stops.

    Repetitions are compiled one by one, and recursion has no end.
    """
    numbers = [int(number[:9]) for number in REPEATED.findall(text)]
    if math.prod(max(1, number) for number in numbers) > MAX_REPEATED:
        raise InvalidRegex(f"A pattern repeats its parts at most {MAX_REPEATED} times, all together")
    if RECURSIVE.search(text):
        raise InvalidRegex("A pattern may not contain itself")


def between(field: str, bounds: Any) -> Between:
    """Return the condition of a range of numbers.

    They may be texts, as the web application has them from its address. Raises InvalidField.
    """
    if not isinstance(bounds, list) or len(bounds) != 2:
        raise InvalidField(f"{field}: a list of two numbers is expected")
    low, high = (_bound(field, bound) for bound in bounds)
    return Between(field, low, high)


def with_missing(bounds: Between) -> Condition:
    """Return a range that takes in documents without a value where it has no lower bound."""
    is_open = bounds.low is None and bounds.high is not None
    return some(bounds, OneOf(bounds.field, (None,))) if is_open else bounds


def _bound(field: str, bound: Any) -> float | None:
    try:
        number = float(bound) if bound not in (None, "") else None
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidField(f"{field}: a list of two numbers is expected") from error
    if number is not None and math.isnan(number):
        raise InvalidField(f"{field}: a list of two numbers is expected")
    return number


def _object(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidField(f"{name}: an object is expected")
    return value


def _search(text: Any) -> Condition:
    if not isinstance(text, str):
        raise InvalidField("search_text: a text is expected")
    return some(*(pattern(field, regex.escape(text), True) for field in SEARCHED))


def _multi_field(name: str, value: Any) -> Condition:
    fields, text, moments = _object(name, value).get("fields"), value.get("pattern"), value.get("datetime")
    if text is None and moments is None:
        return EVERYTHING
    if not isinstance(fields, list) or not all(isinstance(field, str) for field in fields):
        raise InvalidField(f"{name}: a list of fields is expected")
    if len(fields) > MAX_SEARCHED_FIELDS:
        raise InvalidField(f"{name}: at most {MAX_SEARCHED_FIELDS} fields are searched")
    if (text is not None and moments is not None) or not isinstance(text, str | None):
        raise InvalidField(f"{name}: either a pattern, which is a text, or a datetime is expected")
    found: tuple[Condition, ...]
    if text is not None:
        found = tuple(pattern(field, text, True) for field in fields)
    else:
        found = tuple(_dates(field, moments) for field in fields if field in DATES)
    return some(*found) if name == "_any_" and found else every(*found)


def _dates(name: str, value: Any) -> Condition:
    texts = value if isinstance(value, list) else [value]
    if len(texts) == 2 and not any(isinstance(text, str) and text[:1] in SIGNS for text in texts):  # a range
        low, high = (None if text in (None, "") else date_text(name, text) for text in texts)
        return with_missing(Between(name, low, high))
    return every(*(_compared_date(name, text) for text in texts if text is not None))


def _compared_date(name: str, text: Any) -> Condition:
    found = COMPARISON.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise InvalidField(f"{name}: a date is expected")
    date, sign = date_text(name, found["date"]), found["sign"] or "="
    if sign == "=":
        return OneOf(name, (date,))
    low, high = (date, None) if sign[0] == ">" else (None, date)
    return Between(name, low, high, strict=len(sign) == 1)


def date_text(name: str, text: Any) -> str:
    """Return a date as documents write it, so that texts compare."""
    try:
        moment = datetime.fromisoformat(text)
        universal = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadValue(f"{name}: {error}") from error
    return universal.isoformat(timespec="microseconds")
