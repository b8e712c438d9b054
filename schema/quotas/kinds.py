"""The kinds of quotas, and what they limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Scope(StrEnum):
    """The extent of a quota."""

    COMPANY = "company"
    PROJECT = "project"
    USER = "user"


class Subject(NamedTuple):
    """One company, project or user."""

    scope: Scope
    id: str


def subjects_of(company: str, user: str, project: str | None) -> tuple[Subject, ...]:
    """Return the subjects whose limits hold for something."""
    own = (Subject(Scope.COMPANY, company), Subject(Scope.USER, user))
    return (*own, Subject(Scope.PROJECT, project)) if project else own


class Kind(StrEnum):
    """What a quota limits."""

    EVENTS_PER_SECOND = "events_per_second"
    BYTES_PER_DAY = "bytes_per_day"
    METRICS_PER_TASK = "metrics_per_task"
    TASKS = "tasks"
    STORED_BYTES = "stored_bytes"
    FILES = "files"
    FILE_BYTES = "file_bytes"
    STREAMS = "streams"


@dataclass(frozen=True)
class KindInfo:
    """A kind in words.

    ``unit``: what is counted. ``is_rate``: in events a second, divided among gateways. ``is_of_day``: counted from 0
    every day (UTC). ``is_gauge``: what is open now, of which each process tells its own number. ``scopes``: those that
    it may be set for.
    """

    unit: str
    is_rate: bool = False
    is_of_day: bool = False
    is_gauge: bool = False
    scopes: tuple[Scope, ...] = tuple(Scope)


KINDS = {
    Kind.EVENTS_PER_SECOND: KindInfo("events a second", is_rate=True),
    Kind.BYTES_PER_DAY: KindInfo("bytes of events a day", is_of_day=True),
    Kind.METRICS_PER_TASK: KindInfo("metrics of a task"),
    Kind.TASKS: KindInfo("tasks"),
    Kind.STORED_BYTES: KindInfo("bytes of stored events"),
    Kind.FILES: KindInfo("files", scopes=(Scope.COMPANY,)),
    Kind.FILE_BYTES: KindInfo("bytes of files", scopes=(Scope.COMPANY,)),
    Kind.STREAMS: KindInfo("open streams", is_gauge=True),
}
