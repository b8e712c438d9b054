"""Faults of gateways: killed, stopped in order, paused; each with requests under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx
import pytest

from tests.faults.clients import Caller
from tests.faults.fault import fault
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import until
from tests.faults.truth import Batch, Deletion
from tests.faults.unit import Unit

IMPATIENT_SECONDS = 2.0
DELETE = "events.delete_for_task"


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
        under_way = _Request(run, gateway)
        under_way.wait_taken()
        until(lambda: clickhouse.armed() == 0, 60, "an insert is held up")
        code = gateway.terminate()
        run.outcome.require(code == 0, f"{gateway.name} ended with {code}")
        run.outcome.require(under_way.outcome() == 200, f"a request under way got {under_way.outcome()!r}")
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


@fault("gateway: paused, requests given up")
def given_up(run: Scenario, scale: Scale) -> None:
    """What a gateway finds when it goes on, and clients have repeated elsewhere meanwhile, takes no effect any more."""
    for _ in range(scale.times(1, 5)):
        gateway = run.random.choice(run.system.gateways)
        gateway.pause()
        _give_up_and_repeat(run, gateway)
        gateway.resume()
        run.sleep(1)
    run.ended()


def _give_up_and_repeat(run: Scenario, gateway: Unit) -> None:
    """A write and a deletion, neither of which waits for the gateway; and a write that stays."""
    others = [other.origin for other in run.system.gateways if other is not gateway]
    token = run.clients.caller.token
    impatient = Caller(run.system, token, gateways=[gateway.origin], patience=lambda: 0.2)
    patient = Caller(run.system, token, gateways=others)
    task = str(patient.change("tasks.create", name="task", type="training")["id"])
    deleted = run.begin(task)
    _give_up(lambda: impatient.write_once(deleted.body(), "durable"))
    _give_up(lambda: impatient.change_once(DELETE, {"task": task}))
    _write(patient, deleted)
    _delete(run, patient, task)
    _write(patient, run.begin(task))


def _give_up(send: Callable[[], httpx.Response]) -> None:
    with pytest.raises(httpx.ReadTimeout):
        send()


def _write(caller: Caller, batch: Batch) -> None:
    body = batch.body()
    until(lambda: caller.write_once(body, "visible").status_code == 200, 60, "a batch is taken")
    batch.acked = time.monotonic()


def _delete(run: Scenario, caller: Caller, task: str) -> None:
    deletion = Deletion(task, is_logs=False, invoked=time.monotonic())
    run.clients.ledger.begin(deletion)
    caller.change(DELETE, task=task)
    deletion.acked = time.monotonic()


class _Request(threading.Thread):
    """One visible write to a certain gateway, in the background."""

    def __init__(self, run: Scenario, gateway: Unit) -> None:
        super().__init__(daemon=True)
        self._gateway = gateway
        self._caller = Caller(run.system, run.clients.caller.token, gateways=[gateway.origin])
        self._batch = run.begin(run.clients.ledger.tasks[0])
        self._sent = threading.Event()
        self._outcome: object = None
        self.start()

    def run(self) -> None:
        try:
            self._outcome = self._caller.write_once(self._batch.body(), "visible", self._note).status_code
        except httpx.HTTPError as error:
            self._outcome = error
        if self._outcome == 200:
            self._batch.acked = time.monotonic()

    def wait_taken(self) -> None:
        """Until the gateway has read it, or has answered already."""
        assert self._sent.wait(60)
        assert self._gateway.health()[0]  # whoever comes after it is answered

    def outcome(self) -> object:
        """The answer's status, or why there was none."""
        self.join()
        return self._outcome

    def _note(self, event: str, _: object) -> None:
        if event == "http11.send_request_body.complete":
            self._sent.set()


FAULTS = [killed, terminated, paused, given_up]
