"""Faults of workers: killed around inserts, stopped, paused into zombies, started and stopped in a storm; a hole."""

from __future__ import annotations

import sys
import time

from deploy.supervisor import RESTART
from tests.faults.fault import fault
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import Servers, System, until
from tests.faults.unit import Unit

SESSION_SECONDS = 10
HOLED = (sys.executable, "-m", "tests.faults.holed")
NEWER = (sys.executable, "-m", "tests.faults.newer")
MAX_PARKED = 20  # in a row; then a worker leaves for good


@fault("worker: kill -9")
def killed(run: Scenario, scale: Scale) -> None:
    """While an insert is on its way, and between its execution and the commit."""
    clickhouse = run.system.clickhouse
    for number in range(scale.times(2, 12)):
        if number % 2:
            clickhouse.fault(match="INSERT INTO", delay_ms=1000)
        else:
            clickhouse.fault(match="INSERT INTO", hold_ms=1000)
        until(lambda: clickhouse.armed() == 0, 60, "an insert is held up")
        run.sleep(0, 0.5)
        for worker in run.random.sample(run.system.workers, run.random.choice((1, len(run.system.workers)))):
            worker.kill_child()
        run.ended()
        run.outcome.note(gap_seconds=run.clients.recovery(time.monotonic()))


@fault("worker: SIGTERM")
def terminated(run: Scenario, scale: Scale) -> None:
    """Exit code 0, within twice the session timeout even in a rebalance."""
    for _ in range(scale.times(1, 6)):
        worker = run.random.choice(run.system.workers)
        since = time.monotonic()
        code = worker.terminate()
        run.outcome.note(stop_seconds=time.monotonic() - since)
        run.outcome.require(code == 0, f"{worker.name} ended with {code}")
        run.sleep(0, scale(1, 4))
        worker.start()
        worker.wait_ready()
    run.ended()


@fault("worker: zombie", deleters=2)
def zombie(run: Scenario, scale: Scale) -> None:
    """SIGSTOP past the session timeout, with a batch that could not be written; SIGCONT after others went on.

    What it then writes late is older than what is there, and partly deleted.
    """
    for _ in range(scale.times(1, 4)):
        worker = run.random.choice(run.system.workers)
        run.system.clickhouse.fault(match="INSERT INTO", times=-1, code=252)
        until(lambda worker=worker: worker.health()[0] == 503, 60, "a batch is being retried")  # type: ignore[misc]
        worker.pause()
        run.system.clickhouse.clear_faults()
        paused_at = time.monotonic()
        run.sleep(SESSION_SECONDS + 2)
        run.outcome.note(takeover_seconds=run.clients.recovery(paused_at))
        run.sleep(1, 2)
        worker.resume()
        run.sleep(1, scale(2, 4))
    run.ended()


@fault("worker: rebalance storm", own=lambda servers, _: System(servers, gateways=1, queries=1))
def storm(run: Scenario, scale: Scale) -> None:
    """Workers start, stop and are killed every few seconds; every second storm without static membership."""
    is_static = run.random.random() < 0.5
    end = time.monotonic() + scale(8, 60)
    while time.monotonic() < end:
        _disturb(run, is_static)
        run.sleep(0.5, 4)
    run.ended()


def _disturb(run: Scenario, is_static: bool) -> None:
    """Start, end or kill one; there are never none, nor more than four."""
    system = run.system
    running = [worker for worker in system.workers if worker.alive]
    choice = run.random.choice(("start", "start", "terminate", "kill", "kill child"))
    if len(running) < 2 or (choice == "start" and len(running) < 4):
        worker = system.new_worker(is_static=is_static)
        system.workers.append(worker)
        worker.start()
    elif choice == "kill child":
        run.random.choice(running).kill_child()
    else:
        victim = run.random.choice(running)
        system.workers.remove(victim)
        victim.kill() if choice == "kill" else victim.terminate()


def _without_workers(servers: Servers, scale: Scale) -> System:
    return System(servers, gateways=1, workers=0, queries=1)


@fault("worker: fresh group, three at once", own=_without_workers, probes=False, deleters=0)
def fresh_group(run: Scenario, scale: Scale) -> None:
    """A group that has never committed, a backlog, and three workers that start at once."""
    run.sleep(scale(3, 10))
    is_static = run.random.random() < 0.5
    run.system.workers = [run.system.new_worker(is_static=is_static) for _ in range(3)]
    for worker in run.system.workers:
        worker.start()
    run.sleep(scale(3, 10))
    run.ended()
    run.outcome.recovery_seconds = _until_caught_up(run)


@fault("worker: an injected hole", own=_without_workers, probes=False, deleters=0)
def hole(run: Scenario, scale: Scale) -> None:
    """Records are skipped between broker and worker: it leaves, with nothing behind them committed."""
    until(lambda: sum(lag.records for lag in run.system.lags()) > scale(100, 300), 60, "a backlog")
    holed = run.system.new("worker-process", command=HOLED)
    holed.start()
    code = holed.exit_code(60)
    run.outcome.require(code == RESTART, f"the worker ended with {code}")
    _check_hole(run, holed)
    run.system.workers = [run.system.new_worker()]
    run.system.workers[0].start()
    run.ended()
    run.outcome.recovery_seconds = _until_caught_up(run)


def _older_than_the_gateway(servers: Servers, scale: Scale) -> System:
    return System(servers, gateways=1, queries=1, gateway=NEWER, dlq_max_run=MAX_PARKED)


@fault("worker: older than the gateways", own=_older_than_the_gateway, probes=False)
def outdated(run: Scenario, scale: Scale) -> None:
    """It parks what it cannot read, never says that this is readable, and leaves; a newer one takes it from the DLQ."""
    system = run.system
    (task,) = run.clients.caller.new_tasks(1)
    status = run.clients.caller.write_once(run.begin(task).body(), "visible").status_code
    run.outcome.require(status == 503, f"what was parked was answered {status}, as if it could be read")
    codes = [worker.exit_code(90) for worker in system.workers]
    run.outcome.require(codes == [1, 1], f"the workers ended with {codes}")
    system.workers = [system.new("worker-process", "--worker-id", "newer", command=NEWER)]
    system.workers[0].start()
    system.workers[0].wait_ready()
    code, said = system.attempt("dlq", "replay", program=NEWER)
    run.outcome.require(code == 0, f"the replay ended with {code}: {said[-500:]}")
    run.ended()


def _check_hole(run: Scenario, holed: Unit) -> None:
    log = holed.log.read_text()
    injected = [line.split() for line in log.splitlines() if line.startswith("hole ")]
    run.outcome.require(len(injected) == 1, "no hole was injected")
    run.outcome.require("OffsetGap" in log, "the guard did not fire")
    committed = {lag.partition: lag.committed for lag in run.system.lags()}
    for _, partition, first in injected:
        run.outcome.require(committed[int(partition)] <= int(first), f"committed {committed}, hole at {first}")


def _until_caught_up(run: Scenario) -> float:
    since = time.monotonic()
    run.clients.stop()
    until(run.system.is_drained, 300, "the workers catch up")
    return time.monotonic() - since


FAULTS = [killed, terminated, zombie, fresh_group, hole, outdated, storm]
