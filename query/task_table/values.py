"""Values of columns of a great many tasks, and the tests of filters on them."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

from query.task_table.columns import Column, Source
from query.task_table.plan import ColumnTest
from query.task_table.syntax import Operator
from schema.errors import InvalidField
from schema.registry import matching

Values = Mapping[str, Any]  # by the task's id

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION = re.compile(r"(?P<number>\d+(?:\.\d*)?)(?P<unit>[smhd])")
NUMERIC = (Source.STATISTIC, Source.DURATION)
COMPARE: dict[Operator, Callable[[float, float], bool]] = {
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def holding(test: ColumnTest, values: Values) -> set[str]:
    """Return the ids whose value passes a test. Raises InvalidField, and InvalidRegex for one that takes too long."""
    if test.operator == "~":
        texts = {key: str(value) for key, value in values.items() if value is not None}
        found = set(matching(f"(?i){test.values[0]}", set(texts.values())))
        return {key for key, text in texts.items() if text in found}
    if test.operator in COMPARE:
        bound, compare = _bound(test.column, str(test.values[0])), COMPARE[test.operator]
        numbers = ((key, number_of(value)) for key, value in values.items())
        return {key for key, number in numbers if number is not None and compare(number, bound)}
    return _equal(test, values)


def _equal(test: ColumnTest, values: Values) -> set[str]:
    """Return the ids whose value is one of the wanted: equal as numbers, also as 32-bit floats, or as texts."""
    texts = {value for value in test.values if value is not None}
    if test.column.source in NUMERIC:
        numbers = {_bound(test.column, text) for text in texts}
    else:
        numbers = {number for text in texts if (number := number_of(text)) is not None}
    numbers |= {_float32(number) for number in numbers}
    has_none = None in test.values
    return {key for key, value in values.items() if _is_equal(value, numbers, texts, has_none)}


def _is_equal(value: Any, numbers: set[float], texts: set[str], has_none: bool) -> bool:
    if value is None:
        return has_none
    return (number_of(value) in numbers) or (isinstance(value, str) and value in texts)


def number_of(value: Any) -> float | None:
    """Return the number that a value, or a text, is; None if it is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _bound(column: Column, text: str) -> float:
    """Return the number to compare a column with; of a duration, which may have a unit, seconds."""
    unit = DURATION.fullmatch(text) if column.source is Source.DURATION else None
    number = float(unit["number"]) * SECONDS[unit["unit"]] if unit else number_of(text)
    if number is None:
        raise InvalidField(f"filter: {text} is no number, with which alone this column is compared")
    return number


def _float32(number: float) -> float:
    """Return the 32-bit float next to a number, as trainings report it."""
    try:
        nearest: float = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return number
    return nearest


def sort_key_of(column: Column, value: Any) -> Any:
    """Return what a value sorts by: a hyper-parameter that is a number as one, a text in any case."""
    if column.source is Source.PARAMETER and (number := number_of(value)) is not None:
        return number
    return value.lower() if isinstance(value, str) else value
