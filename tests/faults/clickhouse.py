"""Faults of ClickHouse: away, slow, refusing, cut off behind an insert, killed. Workers try the batch again."""

from __future__ import annotations

import time

from tests.faults.outcome import Outcome
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import System, until

NOT_NOW = (252, 241, 243, 202)  # too many parts, memory, no space, too many queries
INSERT = "INSERT INTO"


def away(system: System, seed: int, scale: Scale) -> Outcome:
    """Killed, and started again much later: durable writes go on, no visible one is answered 200, lag grows."""
    with Scenario("clickhouse: away", system, seed) as run:
        system.clickhouse.kill()
        since = time.monotonic()
        until(lambda: all(worker.health()[0] == 503 for worker in system.workers), 60, "no worker says it is ready")
        run.sleep(scale(4, 60) - (time.monotonic() - since) if scale(4, 60) > time.monotonic() - since else 0.1)
        _expect_lag(run, since)
        system.clickhouse.start()
        run.ended()
        _expect_ready(run)
    return run.outcome


def slow(system: System, seed: int, scale: Scale) -> Outcome:
    """Every insert takes long: nobody gives up and sends it again, and the group stays together."""
    with Scenario("clickhouse: slow inserts", system, seed) as run:
        retries = _retries(system)
        system.clickhouse.fault(match=INSERT, times=-1, delay_ms=int(scale(2_000, 30_000)))
        run.sleep(scale(8, 150))
        system.clickhouse.clear_faults()
        run.ended()
        run.outcome.require(_retries(system) == retries, "a slow insert was sent again")
    return run.outcome


def refusing(system: System, seed: int, scale: Scale) -> Outcome:
    """It answers "not now", before an insert and after one that it has executed all the same."""
    with Scenario("clickhouse: 252, 241, 243, 202", system, seed) as run:
        retries = _retries(system)
        for code in NOT_NOW:
            system.clickhouse.fault(match=INSERT, times=scale.times(2, 6), code=code)
            system.clickhouse.fault(match=INSERT, times=scale.times(1, 3), late_code=code)
            until(lambda: system.clickhouse.armed() == 0, 60, "every fault has struck")
            run.sleep(0, scale(0.2, 3))
        run.ended()
        until(lambda: _retries(system) > retries, 10, "batches were tried again")
    return run.outcome


def cut(system: System, seed: int, scale: Scale) -> Outcome:
    """The connection is cut: after the insert was executed but before the answer, and before it was."""
    with Scenario("clickhouse: connection cut", system, seed, deleters=2) as run:
        for _ in range(scale.times(2, 10)):
            system.clickhouse.fault(match=run.random.choice((INSERT, "DELETE FROM", "`tombstones`")), drop=True)
            system.clickhouse.fault(match=INSERT, times=2, drop=True)
            system.clickhouse.fault(match=INSERT, refuse=True)
            until(lambda: system.clickhouse.armed() == 0, 60, "every fault has struck")
            run.sleep(0, scale(0.2, 3))
        run.ended()
    return run.outcome


def killed(system: System, seed: int, scale: Scale) -> Outcome:
    """kill -9 in the midst of inserts, and started again."""
    with Scenario("clickhouse: kill -9", system, seed) as run:
        for _ in range(scale.times(1, 6)):
            system.clickhouse.fault(match=INSERT, hold_ms=1000)
            until(lambda: system.clickhouse.armed() == 0, 60, "an insert is held up")
            run.sleep(0, 0.8)
            system.clickhouse.kill()
            run.sleep(0, scale(1, 4))
            system.clickhouse.start()
            run.ended()
            run.outcome.note(gap_seconds=run.clients.recovery(time.monotonic()))
    return run.outcome


def _expect_lag(run: Scenario, since: float) -> None:
    """While nothing can be written: what is durable is taken, what is to be visible is not, and operators are told."""
    attempts = run.clients.attempts
    run.outcome.require(attempts.count(200, since), "no durable write was taken")
    visible = [acked for _, acked in run.clients.probes if acked > since + 1]
    run.outcome.require(not visible, "a visible write was answered 200 although nothing can be read")
    lag = sum(found.records for found in run.system.lags())
    run.outcome.note(lag_records=lag)
    run.outcome.require(lag, "there is no lag")
    for worker in run.system.workers:
        run.outcome.require(worker.health("/healthz")[0] == 200, f"{worker.name} says it is not alive")
    for query in run.system.queries:
        run.outcome.require(query.health()[0] == 503, f"{query.name} says it is ready")


def _expect_ready(run: Scenario) -> None:
    for unit in (*run.system.workers, *run.system.queries):
        unit.wait_ready(60)


def _retries(system: System) -> float:
    return sum(worker.metric("eventide_write_retries_total") for worker in system.workers)


FAULTS = [away, slow, refusing, cut, killed]
