"""The truth: what clients sent, what was acknowledged, what was deleted; and the checker that holds answers against it.

Everything that a batch brings follows from its client and number, so that the ledger holds but a few words a batch: in
each of its tasks POINTS scalars of the client's metric, one point that every batch overwrites, and LINES log lines.
"""

from __future__ import annotations

import json
import math
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.harness.events import LOG, SCALAR

POINTS, LINES = 20, 10
OVERWRITTEN = "overwritten"  # metric of the point that every batch of a client (the variant) sets to its number
FIRST_TIMESTAMP = 1_700_000_000_000

Event = dict[str, Any]


@dataclass
class Batch:
    """One request. ``acked`` is None as long as no 2xx came."""

    client: str
    number: int
    tasks: tuple[str, ...]
    invoked: float
    acked: float | None = None

    @property
    def event_count(self) -> int:
        """Its events."""
        return len(self.tasks) * (POINTS + LINES + 1)

    def body(self) -> bytes:
        """As json lines."""
        return "\n".join(json.dumps(event) for task in self.tasks for event in self.events(task)).encode()

    def events(self, task: str) -> Iterable[Event]:
        """Those of one of its tasks."""
        stamp = FIRST_TIMESTAMP + self.number
        scalar = {"type": SCALAR, "task": task, "timestamp": stamp}
        for place in self.points():
            yield scalar | {"metric": self.client, "variant": "v", "iter": place, "value": place}
        yield scalar | {"metric": OVERWRITTEN, "variant": self.client, "iter": 0, "value": self.number}
        for msg in self.lines():
            yield {"type": LOG, "task": task, "timestamp": stamp, "level": "info", "msg": msg}

    def points(self) -> range:
        """The iterations of its points."""
        return range(self.number * POINTS, (self.number + 1) * POINTS)

    def lines(self) -> list[str]:
        """Its log lines."""
        return [f"{self.client} {self.number} {line}" for line in range(LINES)]


@dataclass
class Deletion:
    """A deletion of a task's events, or of its log lines only."""

    task: str
    is_logs: bool
    invoked: float
    acked: float | None = None


@dataclass
class Ledger:
    """What happened, in the order in which it was begun. Written by many threads."""

    batches: list[Batch] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, entry: Batch | Deletion) -> None:
        """Before the first attempt."""
        with self._lock:
            (self.batches if isinstance(entry, Batch) else self.deletions).append(entry)  # type: ignore[arg-type]

    def complain(self, problem: str) -> None:
        """Something that must not be, seen on the way."""
        with self._lock:
            self.problems.append(problem)

    @property
    def tasks(self) -> list[str]:
        """All that were written."""
        return list(dict.fromkeys(task for batch in self.batches for task in batch.tasks))


@dataclass
class Verdict:
    """What the checker found. ``wrong``: anything but loss and repetition."""

    sent: int = 0
    acked: int = 0
    read: int = 0
    lost: int = 0
    twice: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        """Sum up."""
        self.sent, self.acked, self.read = self.sent + other.sent, self.acked + other.acked, self.read + other.read
        self.lost, self.twice = self.lost + other.lost, self.twice + other.twice
        self.wrong += other.wrong

    @property
    def is_good(self) -> bool:
        """Nothing lost, nothing twice, nothing wrong."""
        return not (self.lost or self.twice or self.wrong)


ReadEvents = Callable[[str], Iterable[Event]]  # all events of a task
Parked = Mapping[str, Counter[str]]  # by task, the events that are on the DLQ, by ``name_of``


def check(ledger: Ledger, read: ReadEvents, parked: Parked | None = None) -> Verdict:
    """Hold what ``read`` gives of every task against the ledger."""
    verdict = Verdict(wrong=list(ledger.problems))
    by_task: dict[str, list[Batch]] = defaultdict(list)
    for batch in ledger.batches:
        verdict.sent += batch.event_count
        verdict.acked += batch.event_count if batch.acked else 0
        for task in batch.tasks:
            by_task[task].append(batch)
    for task, batches in by_task.items():
        deletions = [deletion for deletion in ledger.deletions if deletion.task == task]
        _check_task(
            task, Counted(read(task)), Expected(batches, deletions), (parked or {}).get(task, Counter()), verdict
        )
    return verdict


class Counted:
    """What was read of a task: how often each event, and the overwritten points' values."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.times: Counter[str] = Counter()
        self.overwritten: dict[str, list[float]] = defaultdict(list)
        for event in events:
            if event.get("metric") == OVERWRITTEN:
                self.overwritten[event["variant"]].append(event["value"])
            else:
                self.times[name_of(event)] += 1


def name_of(event: Event) -> str:
    """What tells an event apart within its task."""
    return str(event["msg"]) if event["type"] == LOG else f"{event['metric']} {event['iter']} ={event['value']:g}"


class Expected:
    """What must be, and what may be, of one task."""

    def __init__(self, batches: Iterable[Batch], deletions: Iterable[Deletion]) -> None:
        self.required: set[str] = set()
        self.possible: set[str] = set()
        self.last: dict[str, set[float | None]] = {}  # by client, what the overwritten point may say; None: nothing
        self._events = [deletion for deletion in deletions if not deletion.is_logs]
        self._all = list(deletions)
        for batch in batches:
            self._add([f"{batch.client} {place} ={place:g}" for place in batch.points()], batch, self._events)
            self._add(batch.lines(), batch, self._all)
            self._overwrite(batch)

    def _add(self, names: Iterable[str], batch: Batch, deletions: Iterable[Deletion]) -> None:
        fate = fate_of(batch, deletions)
        if fate is not False:
            self.possible.update(names)
        if fate is True:
            self.required.update(names)

    def _overwrite(self, batch: Batch) -> None:
        """A client's batches come one after the other: what one leaves is replaced by the next that is acknowledged."""
        before = self.last.get(batch.client, {None})
        fate = fate_of(batch, self._events)
        if batch.acked is None:
            self.last[batch.client] = before | {batch.number}
        elif fate is None:
            self.last[batch.client] = {None, batch.number}
        else:
            self.last[batch.client] = {batch.number if fate else None}


def fate_of(batch: Batch, deletions: Iterable[Deletion]) -> bool | None:
    """True: must be there. False: must be gone. None: may be either, as it raced with a deletion or was never acked."""
    deletions = list(deletions)
    if batch.acked is not None and any(d.acked is not None and d.invoked > batch.acked for d in deletions):
        return False
    if batch.acked is None or any((d.acked or math.inf) > batch.invoked for d in deletions):
        return None
    return True


def _check_task(task: str, found: Counted, expected: Expected, parked: Counter[str], verdict: Verdict) -> None:
    verdict.read += found.times.total() + sum(map(len, found.overwritten.values()))
    missing = expected.required - found.times.keys() - parked.keys()
    twice = [name for name, times in found.times.items() if times > 1]
    verdict.lost += len(missing)
    verdict.twice += len(twice)
    verdict.wrong += [f"{task}: lost {name}" for name in sorted(missing)[:3]]
    verdict.wrong += [f"{task}: twice {name}" for name in twice[:3]]
    verdict.wrong += [f"{task}: nobody wrote, or deleted: {name}" for name in _strange(found, expected)[:3]]
    for client, allowed in expected.last.items():
        values = found.overwritten.get(client, [])
        if len(values) > 1:
            verdict.twice += 1
        elif (values[0] if values else None) not in allowed:
            verdict.wrong.append(f"{task}: {client} reads {values}, not one of {sorted(map(str, allowed))}")


def _strange(found: Counted, expected: Expected) -> list[str]:
    return sorted(found.times.keys() - expected.possible)
