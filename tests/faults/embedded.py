"""Faults of `eventide up`: killed under load, its disk full."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.fault import fault
from tests.faults.outcome import Skipped
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import Servers, System
from tests.faults.unit import Unit
from tests.harness.deployment import EVENTIDE, environment_with
from tests.servers.process import free_port
from tests.servers.small_disk import fill, small_disk

DISK_MB = 256


class Embedded(System):
    """Everything in one process: it is gateway, worker and query service."""

    def __init__(self, servers: Servers, data: Path | None = None) -> None:
        super().__init__(servers)
        self._data = data or self.directory / "data"

    def __enter__(self) -> Embedded:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.environment = environment_with({"DATA_DIR": str(self._data)})
        command = [*EVENTIDE, "up", "--files-port", str(free_port())]
        self.process = Unit("embedded-1", command, self.directory / "embedded.log", self.environment)
        self.gateways = self.queries = [self.process]
        self.heal()
        return self

    @property
    def units(self) -> list[Unit]:
        return [self.process]

    def heal(self, seconds: float = 90) -> None:
        if not self.process.alive:
            self.process.start()
        self.process.wait_ready(seconds)

    def situation(self) -> str:
        return f"{self.process.health()}"

    def is_drained(self, group: str | None = None) -> bool:
        return True

    def parked(self) -> dict[str, Counter[str]]:
        return {}


@fault("embedded: kill -9", own=lambda servers, _: Embedded(servers))
def killed(run: Scenario, scale: Scale) -> None:
    """At random moments under load."""
    for _ in range(scale.times(2, 20)):
        run.sleep(0.2, scale(1, 3))
        run.system.gateways[0].kill()
        run.system.heal()
        run.ended()
        run.outcome.note(gap_seconds=run.clients.recovery(time.monotonic()))


@contextmanager
def _on_a_small_disk(servers: Servers, scale: Scale) -> Iterator[Embedded]:
    try:
        directory = servers.directory / f"disk-{secrets.token_hex(4)}"
        with small_disk(directory, DISK_MB) as disk, Embedded(servers, disk) as system:
            yield system
    except PermissionError as error:
        raise Skipped(str(error)) from error


@fault("embedded: disk full", own=_on_a_small_disk)
def disk_full(run: Scenario, scale: Scale) -> None:
    """Nothing can be stored: 503, reads go on, and all is well once there is space again, without a restart."""
    ballast = Path(run.system.environment["EVENTIDE_DATA_DIR"]) / "ballast"
    fill(ballast, mb_per_second=100)
    _expect_refusals(run, scale(5, 20))
    ballast.unlink()
    run.ended()


def _expect_refusals(run: Scenario, seconds: float) -> None:
    """Every write is a 503 (the clients complain of any other failure), reads are answered."""
    since, task = time.monotonic(), run.clients.ledger.tasks[0]
    while time.monotonic() < since + seconds:
        run.clients.caller.read("events.get_task_events", task=task, batch_size=1)
        time.sleep(0.2)
    attempts = run.clients.attempts
    run.outcome.require(attempts.count(503, since), "no write was answered 503")
    run.outcome.require(not attempts.count(200, since + 2), "a write was answered 200")


FAULTS = [killed, disk_full]
