"""Faults of gateways: killed, stopped in order, paused; each with requests under way."""

from __future__ import annotations

import threading
import time

import httpx

from tests.faults.clients import Caller
from tests.faults.fault import fault
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import until
from tests.faults.truth import Batch

IMPATIENT_SECONDS = 2.0


@fault("gateway: kill -9")
def killed(run: Scenario, scale: Scale) -> None:
    """With requests in flight; clients repeat what was not answered, at another gateway."""
    unanswered = run.clients.attempts.count(0)
    for _ in range(scale.times(2, 10)):
        gateway = run.random.choice(run.system.gateways)
        gateway.kill()
        run.sleep(0, 1)
        gateway.start()
        gateway.wait_ready()
        run.sleep(0.2, 1)
    run.ended()
    run.outcome.note(unanswered_requests=run.clients.attempts.count(0) - unanswered)


@fault("gateway: SIGTERM")
def terminated(run: Scenario, scale: Scale) -> None:
    """Not ready at once, every request that it took is answered, exit code 0."""
    clickhouse = run.system.clickhouse
    for _ in range(scale.times(1, 5)):
        gateway = run.random.choice(run.system.gateways)
        clickhouse.fault(match="`scalars`", delay_ms=1500)
        under_way = _Request(run, gateway.origin)
        until(lambda: clickhouse.armed() == 0, 60, "an insert is held up")
        code = gateway.terminate()
        run.outcome.require(code == 0, f"{gateway.name} ended with {code}")
        run.outcome.require(under_way.status() == 200, f"a request under way got {under_way.status()}")
        gateway.start()
        gateway.wait_ready()
    run.ended()


@fault("gateway: paused")
def paused(run: Scenario, scale: Scale) -> None:
    """SIGSTOP for longer than clients wait, then SIGCONT: what it had must not undo what others did meanwhile."""
    unanswered = run.clients.attempts.count(0)
    patience = run.clients.wait_for_answers(IMPATIENT_SECONDS)
    for _ in range(scale.times(1, 5)):
        gateway = run.random.choice(run.system.gateways)
        gateway.pause()
        run.sleep(4, scale(5, 20))
        gateway.resume()
        run.sleep(2, scale(3, 4))
    run.clients.wait_for_answers(patience)
    run.ended()
    run.outcome.note(unanswered_requests=run.clients.attempts.count(0) - unanswered)


class _Request(threading.Thread):
    """One visible write to a certain gateway, in the background."""

    def __init__(self, run: Scenario, origin: str) -> None:
        super().__init__(daemon=True)
        self._caller = Caller(run.system, run.clients.caller.token, gateways=[origin])
        self._batch = Batch(f"single{time.monotonic_ns()}", 1, (run.clients.ledger.tasks[0],), time.monotonic())
        self._status = 0
        run.clients.ledger.begin(self._batch)
        self.start()

    def run(self) -> None:
        try:
            self._status = self._caller.write_once(self._batch.body(), "visible").status_code
        except httpx.HTTPError:
            self._status = 0
        if self._status == 200:
            self._batch.acked = time.monotonic()

    def status(self) -> int:
        """Of the answer; 0: there was none."""
        self.join()
        return self._status


FAULTS = [killed, terminated, paused]
