"""Deletions that race with writes, and the replay of a whole topic into the tables that it has filled."""

from __future__ import annotations

import time
from typing import Any

from tests.faults.clients import Caller
from tests.faults.fault import fault
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import System, until
from tests.harness.events import LOG, log, scalar

LINES, THRESHOLD_SECONDS = 40, 3600


@fault("deletes: racing writes", writers=1, deleters=4)
def racing(run: Scenario, scale: Scale) -> None:
    """Several clients delete what several others write; nothing that was deleted comes back, whatever is killed."""
    for _ in range(scale.times(1, 6)):
        run.sleep(scale(1, 4), scale(2, 8))
        run.random.choice(run.system.workers).kill_child()
    run.ended()


@fault("replay from offset 0", own=lambda servers, _: System(servers, gateways=1, queries=1), deleters=3)
def replayed(run: Scenario, scale: Scale) -> None:
    """Everything on the topic is consumed again by another group, into the same tables: no answer changes."""
    cases = _deleted_cases(run.clients.caller)
    run.sleep(scale(2, 30))
    run.ended()
    run.outcome.recovery_seconds = run.clients.recovery(time.monotonic())
    run.clients.stop()
    until(run.system.is_drained, 300, "the workers catch up")
    tasks = [*cases, *run.clients.ledger.tasks[:: scale.times(8, 1)]]
    before = {task: _answers(run.clients.caller, task) for task in tasks}
    _expect_deleted(run, before, cases)
    _replay(run)
    for task, answers in before.items():
        _expect_same(run, task, answers, _answers(run.clients.caller, task))


def _replay(run: Scenario) -> None:
    """Three workers start at once in a group that has committed nothing; one is killed in the midst of it."""
    system = run.system
    for worker in system.workers:
        run.outcome.require(worker.terminate() == 0, f"{worker.name} did not end in order")
    group = f"{system.name}-again"
    system.workers = [system.new_worker("--kafka-group", group) for _ in range(3)]
    for worker in system.workers:
        worker.start()
    until(lambda: any(lag.committed for lag in system.lags(group)), 60, "the replay has begun")
    run.random.choice(system.workers).kill_child()
    until(lambda: system.is_drained(group), 300, "all is written again")


def _deleted_cases(caller: Caller) -> list[str]:
    """Two tasks: of one the events are deleted and some written anew, of the other the log is cleared up to a time."""
    emptied, cleared = caller.new_tasks(2)
    now = time.time_ns() // 1_000_000
    old = now - 2 * THRESHOLD_SECONDS * 1000
    caller.write([scalar(emptied, number, 1.0) for number in range(LINES)] + [log(emptied, "first", timestamp=now)])
    caller.write([log(cleared, f"line {n}", timestamp=old if n % 2 else now) for n in range(LINES)])
    caller.change("events.delete_for_task", task=emptied)
    caller.change("events.clear_task_log", task=cleared, threshold_sec=THRESHOLD_SECONDS)
    caller.write([scalar(emptied, LINES + number, 2.0) for number in range(3)])
    return [emptied, cleared]


def _expect_deleted(run: Scenario, answers: dict[str, Any], cases: list[str]) -> None:
    """The two tasks are as the deletions left them."""
    emptied, cleared = ([event for event in answers[task]["events"]] for task in cases)
    iterations = sorted(event["iter"] for event in emptied)
    run.outcome.require(iterations == [LINES, LINES + 1, LINES + 2], f"left of deleted events: {iterations}")
    lines = {event["msg"] for event in cleared if event["type"] == LOG}
    run.outcome.require(lines == {f"line {n}" for n in range(0, LINES, 2)}, f"left of a cleared log: {sorted(lines)}")


def _answers(caller: Caller, task: str) -> dict[str, Any]:
    """What is said of a task, by question."""
    return {
        "events": list(caller.events(task)),
        "histogram": caller.read("events.scalar_metrics_iter_histogram", task=task),
        "latest": caller.read("events.get_task_latest_scalar_values", task=task),
        "metrics": caller.read("events.get_task_metrics", tasks=[task], event_type="*"),
        "variants": caller.read("events.get_scalar_metrics_and_variants", task=task),
        "log": caller.read("events.get_task_log", task=task, batch_size=10_000)["events"],
        "last_metrics": caller.read("tasks.get_by_id", task=task)["task"].get("last_metrics"),
    }


def _expect_same(run: Scenario, task: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = [name for name, answer in before.items() if answer != after[name]]
    run.outcome.require(not changed, f"{task}: the replay changed {changed}")


FAULTS = [racing, replayed]
