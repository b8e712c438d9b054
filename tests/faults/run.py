"""Runs faults one after the other on one set of servers, and prints what came of them as one table."""

from __future__ import annotations

import json
import random
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from tests.faults import clickhouse, deletions, embedded, gateway, kafka, poison, topics, worker
from tests.faults.fault import Fault
from tests.faults.outcome import Outcome, Skipped
from tests.faults.scenario import Scale
from tests.faults.system import Servers, System

FAMILIES: Mapping[str, Sequence[Fault]] = {
    module.__name__.rpartition(".")[2]: module.FAULTS
    for module in (worker, gateway, kafka, clickhouse, poison, deletions, embedded, topics)
}
# What depends on how processes happen to interleave is repeated, with other seeds.
RUNS: Mapping[str, int] = {worker.storm.name: 20, worker.fresh_group.name: 5, worker.hole.name: 3}
COLUMNS = ("fault", "runs", "sent", "acknowledged", "read", "lost", "twice", "recovery s", "gateway MB", "worker MB")


class Runner:
    """Runs faults on an installation that they share, and that is replaced once one has failed."""

    def __init__(self, servers: Servers, seed: int, scale: Scale, most_runs: int) -> None:
        self._servers, self._seed, self._scale, self._most_runs = servers, seed, scale, most_runs
        self._system: System | None = None

    def run(self, faults: Iterable[Fault]) -> Iterator[Outcome]:
        """What came of each fault, over all its runs."""
        for fault in faults:
            total = self._run_once(fault, 1)
            for number in range(2, min(RUNS.get(fault.name, 1), self._most_runs) + 1):
                total.add(self._run_once(fault, number))
            yield total
        self._discard()

    def _run_once(self, fault: Fault, number: int) -> Outcome:
        since = time.monotonic()
        seed = random.Random(f"{self._seed} {fault.name} {number}").randrange(1 << 32)  # the same in every selection
        try:
            outcome = fault.run(self._servers, seed, self._scale, self._installation)
        except Skipped as reason:
            outcome = Outcome(f"{fault.name} (skipped: {reason})", runs=0)
        except Exception:  # of the fault's own steps: to be seen in the table, and no reason to skip the others
            outcome = Outcome(fault.name)
            outcome.verdict.wrong.append(traceback.format_exc())
        said = "good" if outcome.is_good else "NOT GOOD"
        _say(f"{fault.name}, run {number}: {said} after {time.monotonic() - since:.0f} s; {outcome.figures}")
        for problem in outcome.verdict.wrong:
            _say(f"    {problem}")
        if not outcome.is_good:
            self._discard()
        return outcome

    def _installation(self) -> System:
        if self._system is None:
            self._system = System(self._servers)
            self._system.__enter__()
        self._system.heal()
        return self._system

    def _discard(self) -> None:
        if self._system is not None:
            self._system.stop()
        self._system = None


def named(names: Iterable[str]) -> list[Fault]:
    """The faults of families (``worker``), and single ones (``worker.hole``)."""
    faults = {fault.name: fault for family in FAMILIES.values() for fault in family}
    return [fault for name in names for of, fault in faults.items() if of == name or of.partition(".")[0] == name]


def table(outcomes: Sequence[Outcome]) -> str:
    """As Markdown."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *map(_row, outcomes)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_json(outcomes: Sequence[Outcome], seed: int) -> str:
    """All of it, for machines."""
    return json.dumps({"seed": seed, "faults": [asdict(outcome) for outcome in outcomes]}, indent=1)


def _row(outcome: Outcome) -> tuple[str, ...]:
    verdict, figures = outcome.verdict, outcome.figures
    counts = (outcome.runs, verdict.sent, verdict.acked, verdict.read, verdict.lost, verdict.twice)
    gateway_mb = figures.get("gateway_mb", figures.get("embedded_mb"))
    measured = (outcome.recovery_seconds, gateway_mb, figures.get("worker_mb"))
    name = outcome.fault if not verdict.wrong else f"{outcome.fault} (WRONG: {len(verdict.wrong)})"
    recovery, *memory = ("–" if value is None else value for value in measured)
    return name, *map(str, counts), _rounded(recovery, 1), *(_rounded(value, 0) for value in memory)


def _rounded(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
