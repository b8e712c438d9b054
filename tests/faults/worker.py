"""Faults of workers: killed around inserts, stopped, paused into zombies, started and stopped in a storm; a hole."""

from __future__ import annotations

import sys
import time

from tests.faults.outcome import Outcome
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import System, until
from tests.faults.unit import Unit

SESSION_SECONDS = 10
HOLED = (sys.executable, "-m", "tests.faults.holed")


def killed(system: System, seed: int, scale: Scale) -> Outcome:
    """kill -9 while an insert is on its way, and between its execution and the commit."""
    with Scenario("worker: kill -9", system, seed) as run:
        for number in range(scale.times(3, 12)):
            if number % 2:
                system.clickhouse.fault(match="INSERT INTO", delay_ms=1000)
            else:
                system.clickhouse.fault(match="INSERT INTO", hold_ms=1000)
            until(lambda: system.clickhouse.armed() == 0, 30, "an insert is held up")
            run.sleep(0, 0.5)
            for worker in run.random.sample(system.workers, run.random.choice((1, len(system.workers)))):
                worker.kill_child()
            run.ended()
            run.outcome.note(gap_seconds=run.clients.recovery(time.monotonic()))
    return run.outcome


def terminated(system: System, seed: int, scale: Scale) -> Outcome:
    """SIGTERM: exit code 0, within twice the session timeout even in a rebalance."""
    with Scenario("worker: SIGTERM", system, seed) as run:
        for _ in range(scale.times(1, 6)):
            worker = run.random.choice(system.workers)
            since = time.monotonic()
            code = worker.terminate()
            run.outcome.note(stop_seconds=time.monotonic() - since)
            run.outcome.require(code == 0, f"{worker.name} ended with {code}")
            run.sleep(0, scale(1, 4))
            worker.start()
            worker.wait_ready()
        run.ended()
    return run.outcome


def zombie(system: System, seed: int, scale: Scale) -> Outcome:
    """SIGSTOP past the session timeout, with a batch that could not be written; SIGCONT after others went on.

    What it then writes late is older than what is there, and partly deleted.
    """
    with Scenario("worker: zombie", system, seed, deleters=2) as run:
        for _ in range(scale.times(1, 4)):
            worker = run.random.choice(system.workers)
            system.clickhouse.fault(match="INSERT INTO", times=-1, code=252)
            until(lambda worker=worker: worker.health()[0] == 503, 30, "a batch is being retried")  # type: ignore[misc]
            worker.pause()
            system.clickhouse.clear_faults()
            paused_at = time.monotonic()
            run.sleep(SESSION_SECONDS + 2)
            run.outcome.note(takeover_seconds=run.clients.recovery(paused_at))
            run.sleep(2)
            worker.resume()
            run.sleep(2, scale(2, 4))
        run.ended()
    return run.outcome


def storm(system: System, seed: int, scale: Scale) -> Outcome:
    """Workers start, stop and are killed every few seconds; every second storm without static membership."""
    own = System(system.servers, queries=1)
    with own, Scenario("worker: rebalance storm", own, seed) as run:
        end = time.monotonic() + scale(15, 60)
        while time.monotonic() < end:
            _disturb(own, run, is_static=seed % 2 == 0)
            run.sleep(0.5, 4)
        run.ended()
    return run.outcome


def _disturb(system: System, run: Scenario, is_static: bool) -> None:
    """Start, end or kill one; there are never none, nor more than four."""
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


def fresh_group(system: System, seed: int, scale: Scale) -> Outcome:
    """A group that has never committed, a backlog, and three workers that start at once."""
    own = System(system.servers, workers=0, queries=1)
    with own, Scenario("worker: fresh group, three at once", own, seed, probes=False, deleters=0) as run:
        run.sleep(scale(3, 10))
        own.workers = [own.new_worker(is_static=seed % 2 == 0) for _ in range(3)]
        for worker in own.workers:
            worker.start()
        run.sleep(scale(3, 10))
        run.ended()
        run.outcome.recovery_seconds = _until_caught_up(own, run)
    return run.outcome


def hole(system: System, seed: int, scale: Scale) -> Outcome:
    """Records are skipped between broker and worker: it leaves, with nothing behind them committed."""
    own = System(system.servers, workers=0, queries=1)
    with own, Scenario("worker: an injected hole", own, seed, probes=False, deleters=0) as run:
        until(lambda: sum(lag.records for lag in own.lags()) > scale(100, 300), 60, "a backlog")
        holed = own.new("worker-process", command=HOLED)
        holed.start()
        code = holed.exit_code(60)
        run.outcome.require(code == 1, f"the worker ended with {code}")
        _check_hole(own, run, holed)
        own.workers = [own.new_worker()]
        own.workers[0].start()
        run.ended()
        run.outcome.recovery_seconds = _until_caught_up(own, run)
    return run.outcome


def _check_hole(system: System, run: Scenario, holed: Unit) -> None:
    log = holed.log.read_text()
    injected = [line.split() for line in log.splitlines() if line.startswith("hole ")]
    run.outcome.require(len(injected) == 1, "no hole was injected")
    run.outcome.require("Hole" in log, "the guard did not fire")
    committed = {lag.partition: lag.committed for lag in system.lags()}
    for _, partition, first in injected:
        run.outcome.require(committed[int(partition)] <= int(first), f"committed {committed}, hole at {first}")


def _until_caught_up(system: System, run: Scenario) -> float:
    since = time.monotonic()
    run.clients.stop()
    until(system.is_drained, 120, "the workers catch up")
    return time.monotonic() - since


FAULTS = [killed, terminated, zombie, fresh_group, hole, storm]
