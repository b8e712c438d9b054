"""Embedded reads over HTTP of points that are not held in memory, as those of a query service of its own and the first
ones after a start: 10 M points, and a series of 1 M steps."""

from __future__ import annotations

from tests.bench.bench import Bench, one_process
from tests.bench.reads import ASKED, HISTOGRAM, ask, ask_curves, drawn, fill, fill_series


def measure(bench: Bench) -> None:
    """Fill, wait for merges, ask about another task, group of tasks or number of samples each time."""
    with one_process({"HELD_POINTS": "0"}) as service:
        tasks = fill(bench, service)
        groups = [tasks[first : first + 20] for first in range(ASKED)]
        ask_curves(bench, service, tasks, groups, ", stored", (None, None, None))
        task, steps = fill_series(service, bench.times(1_000_000))
        name = f"series of {steps / 1e6:g} M steps, exact, stored"
        ask(bench, service, name, None, steps, HISTOGRAM, drawn(task, 2000))
