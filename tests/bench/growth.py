"""What it costs that a lot is stored already: the same writes and reads with 1, 10 and 100 million points.

A store of each size is filled, and they are asked in turns: so what else the machine does is shared. No points are held
in memory, where those of the first size would all be, and of the last few; but all files are in the page cache, from
which machines drop them that have been filled for minutes.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import Client, send_all, settle
from tests.bench.measure import Figure, milliseconds
from tests.bench.reads import ASKED, HISTOGRAM, LATEST, MULTI, PER_REQUEST, reader
from tests.bench.reference import ARROW, METRICS, column_bodies, line_bodies

SIZES = (1_000_000, 10_000_000, 100_000_000)  # points
AT_ONCE = 40  # tasks that are filled between two looks
TASKS = 20  # of which there are all points in the smallest store
WRITES = 5  # times
REQUESTS = 60  # of 5000 points, each time
FLAT = 0.2  # how far the figures of the sizes may be apart


@dataclass(frozen=True)
class Filled:
    """An Eventide with so many points of these tasks."""

    points: int
    service: Service
    tasks: Sequence[str]
    writers: Sequence[Client]
    reader: Client

    def read_files(self) -> None:
        """All of them, so that none has to come from the disk."""
        for folder, _, names in os.walk(self.service.directory / "data" / "chdb"):  # which passes over what has gone
            for name in names:
                with suppress(OSError):  # a merge has replaced it
                    Path(folder, name).read_bytes()

    def write(self, requests: int) -> float:
        """Points a second, of new tasks."""
        bodies = line_bodies(self.service.tasks(TASKS), 5000, requests)
        rate = send_all(self.writers, bodies).rate * 5000
        settle(self.service.pids("up"))
        return rate

    def ask(self, action: str, place: int) -> float:
        """Milliseconds; about another of the same tasks at each place, as answers are remembered."""
        return self._timed(action, {"task": self._middle[place]})

    def compare(self, place: int) -> float:
        """Milliseconds; another metric of the same tasks at each place."""
        return self._timed(MULTI, {"tasks": self._middle, "metrics": [{"metric": METRICS[place]}]})

    def compare_others(self, place: int) -> float:
        """Milliseconds; one metric of other tasks at each place, as far as there are others."""
        start = place * max(1, len(self.tasks) // ASKED)
        group = [*self.tasks[start:], *self.tasks[:start]][:TASKS]
        return self._timed(MULTI, {"tasks": group, "metrics": [{"metric": METRICS[-1]}]})

    @property
    def _middle(self) -> Sequence[str]:
        """As many tasks of each store, so that all that differs is what else is stored."""
        return self.tasks[(len(self.tasks) - TASKS) // 2 :][:TASKS]

    def _timed(self, action: str, fields: dict[str, object]) -> float:
        body = json.dumps(fields).encode()
        return milliseconds(lambda: self.reader.send(action, body), 1, warm=0)[0]


def measure(bench: Bench) -> None:
    """All figures of all sizes."""
    with ExitStack() as stack:
        stores = [stack.enter_context(_filled(max(bench.times(size), TASKS * PER_REQUEST))) for size in SIZES]
        requests = bench.times(REQUESTS)
        written = _in_turns(stores, WRITES, lambda store, _: store.write(requests))
        _show(bench, stores, "json lines, 5000 a request, 4 clients", "events/s", written)
        for store in stores:
            store.read_files()
        latest = _in_turns(stores, TASKS, lambda store, place: store.ask(LATEST, place))
        _show(bench, stores, "latest values of a task", "ms", latest)
        one = _in_turns(stores, TASKS, lambda store, place: store.ask(HISTOGRAM, place))
        _show(bench, stores, "one task x 50 metrics", "ms", one)
        several = _in_turns(stores, ASKED, Filled.compare)
        _show(bench, stores, "one metric x 20 tasks", "ms", several)
        others = _in_turns(stores, ASKED, Filled.compare_others)
        _show(bench, stores, "one metric x 20 tasks, others each time", "ms", others, has_goal=False)


@contextmanager
def _filled(points: int) -> Iterator[Filled]:
    with one_process({"HELD_POINTS": "0"}) as service:
        tasks: list[str] = []
        while len(tasks) * PER_REQUEST < points:
            some = service.tasks(min(AT_ONCE, -(-points // PER_REQUEST) - len(tasks)))
            send_all(service.clients(2), column_bodies(some, PER_REQUEST, len(some)), ARROW)
            tasks += some
        settle(service.pids("up"))
        yield Filled(points, service, tasks, service.clients(4), reader(service))


def _in_turns(stores: Sequence[Filled], times: int, once: Callable[[Filled, int], float]) -> list[float]:
    """The median of each store."""
    rounds = [[once(store, place) for store in stores] for place in range(times)]
    return [statistics.median(values) for values in zip(*rounds, strict=True)]


def _show(
    bench: Bench, stores: Sequence[Filled], what: str, unit: str, values: Sequence[float], has_goal: bool = True
) -> None:
    """Each beside its goal, which is the figure of the smallest store, give or take FLAT."""
    smallest = values[0]
    goal = smallest * (1 - FLAT if unit.endswith("/s") else 1 + FLAT)
    for store, value in zip(stores, values, strict=True):
        name = f"at {store.points / 1e6:g} M points: {what}"
        bench.results.add(Figure(name, value, unit, goal if has_goal else None, smallest, "the smallest"))
