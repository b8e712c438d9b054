"""Traffic around a fault, and what came of it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.faults.clients import Clients
from tests.faults.outcome import Outcome
from tests.faults.system import Memory, System, until
from tests.faults.truth import Batch, check

WARM_PROBES = 2
DELETE_SECONDS = 0.5


@dataclass(frozen=True)
class Scale:
    """How much of a fault: the short form for `make test`, the long one for `make faults`."""

    is_short: bool

    def __call__(self, short: float, full: float) -> float:
        """A number of seconds, or of anything."""
        return short if self.is_short else full

    def times(self, short: int, full: int) -> int:
        """A count."""
        return short if self.is_short else full


class Scenario:
    """Inside, clients write, probe and, where they race on purpose, delete. Leaving it brings everything to an end.

    At the end every process is up again, the last requests are answered, everything is read and checked. ``outcome``
    is complete then.
    """

    def __init__(
        self,
        fault: str,
        system: System,
        seed: int,
        *,
        writers: int = 3,
        deleters: int = 1,
        probes: bool = True,
        pause_seconds: float = 0.1,
    ) -> None:
        self.outcome = Outcome(fault)
        self.system = system
        self.random = random.Random(seed)
        self.clients = Clients(system, seed)
        self._probes = probes
        self._memory = Memory(system)
        self._ended: float | None = None
        self._is_concluded = False
        tasks = self.clients.caller.new_tasks(24)
        quiet, probed, raced = tasks[:12], tasks[12:18], tasks[18:]
        for number in range(writers):
            ack = "visible" if number == 1 and probes else "durable"
            self.clients.add_writer(quiet, ack=ack, pause_seconds=pause_seconds)
        if probes:
            self.clients.add_prober(probed, pause_seconds)
        if deleters:
            self.clients.add_writer(raced, pause_seconds=pause_seconds)
            self.clients.add_writer(raced, pause_seconds=pause_seconds)
        for _ in range(deleters):
            self.clients.add_deleter(raced, max(DELETE_SECONDS, pause_seconds))

    def __enter__(self) -> Self:
        self._memory.__enter__()
        if self._probes:
            until(lambda: len(self.clients.probes) >= WARM_PROBES or self.clients.ledger.problems, 60, "traffic flows")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                self.conclude()
            else:
                error.add_note(f"{self.system.situation()}\nseen so far: {self.problems}")
        finally:
            self._memory.__exit__()
            self.clients.stop(1)
            self.clients.caller.close()

    def begin(self, task: str) -> Batch:
        """A batch that nobody has sent yet, of a client of its own."""
        batch = Batch(f"single{time.monotonic_ns()}", 1, (task,), time.monotonic())
        self.clients.ledger.begin(batch)
        return batch

    def ended(self) -> None:
        """The fault is over now: recovery is counted from here."""
        self._ended = time.monotonic()

    def settle(self) -> None:
        """Everything is up and traffic flows when this returns: another fault may follow."""
        self.system.heal()
        if self._probes:
            self.clients.recovery(time.monotonic())

    @property
    def problems(self) -> list[str]:
        """What was seen so far that must not be."""
        return self.outcome.verdict.wrong + self.clients.ledger.problems

    def sleep(self, least: float, most: float | None = None) -> None:
        """A random while."""
        time.sleep(self.random.uniform(least, most or least))

    def conclude(self) -> Outcome:
        """Bring the traffic to its end, read everything and check it; once."""
        if self._is_concluded:
            return self.outcome
        self._is_concluded = True
        if self._ended is not None and self._probes and self.outcome.recovery_seconds is None:
            self.outcome.recovery_seconds = self.clients.recovery(self._ended)
        self.system.heal()
        self.clients.stop()
        until(self.system.is_drained, 300, "the workers catch up")
        self.outcome.note(**{f"{tier}_mb": mb for tier, mb in self._memory.most_mb.items()})
        self.outcome.verdict.add(check(self.clients.ledger, self.clients.caller.events, self.system.parked()))
        return self.outcome
