"""A fault: what is done to an installation under traffic. Modules of a family hold several, marked with ``@fault``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.faults.outcome import Outcome
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import Servers, System

PAUSE_SECONDS = 1.5  # of each client after a request, in the short forms
Body = Callable[[Scenario, Scale], None]
Own = Callable[[Servers, Scale], AbstractContextManager[System]]


@dataclass(frozen=True)
class Fault:
    """``own`` makes an installation for it alone; without, it harms one that it shares, and others go on with it.

    ``traffic``: options of its Scenario.
    """

    name: str
    title: str
    body: Body
    own: Own | None
    traffic: Mapping[str, Any]

    def __call__(self, run: Scenario, scale: Scale) -> None:
        """Harm what ``run`` writes to and reads from."""
        self.body(run, scale)

    def run(self, servers: Servers, seed: int, scale: Scale, shared: Callable[[], System] | None = None) -> Outcome:
        """All of it: traffic, the fault, and what the checker finds afterwards."""
        if self.own is None and shared is not None:
            return self._run(shared(), seed, scale)
        with (self.own or _ordinary)(servers, scale) as system:
            return self._run(system, seed, scale)

    def _run(self, system: System, seed: int, scale: Scale) -> Outcome:
        with Scenario(self.title, system, seed, pause_seconds=scale(PAUSE_SECONDS, 0.1), **self.traffic) as run:
            self(run, scale)
        return run.outcome


def _ordinary(servers: Servers, scale: Scale) -> System:
    return System(servers)


def fault(title: str, own: Own | None = None, **traffic: Any) -> Callable[[Body], Fault]:
    """Makes a Fault of a function."""

    def made(body: Body) -> Fault:
        return Fault(f"{body.__module__.rpartition('.')[2]}.{body.__name__}", title, body, own, traffic)

    return made
