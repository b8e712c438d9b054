"""The columns of a table of tasks: their names, and where their values are (API contract 6.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from query.cache.statistics import LAST_ITERATION, LAST_METRICS, md5
from query.registry.documents import at
from query.registry.listing import with_duration
from query.task_table.tokens import names_of_word
from schema.errors import InvalidField
from schema.registry import ANY_SECTION, Document

MAX_NAME = 500  # characters
PARAMETER, METRIC = "param", "metric"
VALUES = {"last": "value", "min": "min_value", "max": "max_value", "first": "first_value"}


class Source(Enum):
    """Where the values of a column are: in the registry as texts, dates or tags, computed, or in the store."""

    TEXT = "text"
    DATE = "date"
    TAGS = "tags"
    REFERENCE = "reference"  # the id of what is shown by its name
    DURATION = "duration"
    PARAMETER = "parameter"
    STATISTIC = "statistic"


@dataclass(frozen=True)
class Column:
    """A column. ``path``: of its values in a document, dotted, as the registry and the statistics know it."""

    source: Source
    path: str

    @property
    def is_condition(self) -> bool:
        """Whether the registry alone can compare it."""
        return self.source in (Source.TEXT, Source.DATE, Source.TAGS, Source.REFERENCE)

    @property
    def is_sorted_by_registry(self) -> bool:
        """Whether the registry alone can sort by it."""
        return self.source in (Source.TEXT, Source.DATE)

    @property
    def fields(self) -> frozenset[str]:
        """Top-level fields of a document that its value is read from."""
        if self.source is Source.DURATION:
            return frozenset(DURATION_FIELDS)
        return frozenset() if self.source is Source.STATISTIC else frozenset((self.path.split(".")[0],))


DURATION_FIELDS = ("active_duration", "status", "started", "last_update")
BUILT_IN = {
    **{name: Column(Source.TEXT, name) for name in ("id", "name", "status", "type", "comment")},
    **{name: Column(Source.REFERENCE, name) for name in ("user", "project")},
    **{name: Column(Source.DATE, name) for name in ("created", "started", "completed")},
    "updated": Column(Source.DATE, "last_update"),
    "tag": Column(Source.TAGS, "tags"),
    "tags": Column(Source.TAGS, "tags"),
    "duration": Column(Source.DURATION, "duration"),
    "iteration": Column(Source.STATISTIC, LAST_ITERATION),
}


def column_of(name: str) -> Column:
    """Return the column of a name, as requests write it. Raises InvalidField if there is none."""
    if len(name) > MAX_NAME:
        raise InvalidField(f"The name of a column has at most {MAX_NAME} characters")
    return column_at(names_of_word(name))


def column_at(parts: Sequence[str]) -> Column:
    """Return the column of a name's parts: of one part that is not built in, a hyper-parameter; of two, a metric."""
    match list(parts):
        case [name] if name in BUILT_IN:
            return BUILT_IN[name]
        case [_, *_] if not all(parts):
            raise InvalidField(f"{'.'.join(parts)} is no column: a part of its name is empty")
        case [name] | ["param", name]:
            return _parameter(ANY_SECTION, name)
        case ["param", section, name]:
            return _parameter(section, name)
        case ["metric", metric, variant] | ["metric", metric, variant, "last"]:
            return _metric(metric, variant, "last")
        case ["metric", metric, variant, kind] | [metric, variant, kind] if kind in VALUES:
            return _metric(metric, variant, kind)
        case [metric, variant]:
            return _metric(metric, variant, "last")
    raise InvalidField(f"{'.'.join(parts)} is no column: quote names that contain dots")


def _parameter(section: str, name: str) -> Column:
    return Column(Source.PARAMETER, f"hyperparams.{_escaped(section)}.{_escaped(name)}.value")


def _metric(metric: str, variant: str, kind: str) -> Column:
    return Column(Source.STATISTIC, f"{LAST_METRICS}.{md5(metric)}.{md5(variant)}.{VALUES[kind]}")


def _escaped(name: str) -> str:
    """Return a name as a path in the registry spells it."""
    return name.replace(".", "%2E").replace("$", "%24")


def duration_of(row: Sequence[Any]) -> int | None:
    """Return the seconds that a task has been active, from its DURATION_FIELDS."""
    known = {name: value for name, value in zip(DURATION_FIELDS, row, strict=True) if value is not None}
    seconds: int | None = with_duration(known).get("active_duration")
    return seconds


def value_in(document: Document, column: Column) -> Any:
    """Return the value of a column that a document holds, of a reference its id; None if it has none."""
    if column.source is Source.DURATION:
        return duration_of([document.get(name) for name in DURATION_FIELDS])
    if column.source is not Source.PARAMETER:
        return document.get(column.path)
    _, section, name, _ = (part.replace("%2E", ".").replace("%24", "$") for part in column.path.split("."))
    sections: Mapping[str, Any] = document.get("hyperparams") or {}
    named = sorted(sections) if section == ANY_SECTION else [section]
    found = (at(sections, (one, name, "value")) for one in named)
    return next((value for value in found if value is not None), None)
