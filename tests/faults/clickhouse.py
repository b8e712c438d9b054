"""Faults of ClickHouse: away, slow, refusing, cut off behind an insert, killed. Workers try the batch again."""

from __future__ import annotations

import time

from tests.faults.fault import fault
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import System, until

NOT_NOW = (252, 241, 243, 202)  # too many parts, memory, no space, too many queries
INSERT = "INSERT INTO"


@fault("clickhouse: away")
def away(run: Scenario, scale: Scale) -> None:
    """Killed, and started again much later: durable writes go on, no visible one is answered 200, lag grows."""
    system, since = run.system, time.monotonic()
    system.clickhouse.kill()
    until(lambda: all(worker.health()[0] == 503 for worker in system.workers), 60, "no worker says it is ready")
    run.sleep(max(0.1, since + scale(4, 60) - time.monotonic()))
    _expect_lag(run, since)
    system.clickhouse.start()
    run.ended()
    for unit in (*system.workers, *system.queries):
        unit.wait_ready(60)


@fault("clickhouse: slow inserts")
def slow(run: Scenario, scale: Scale) -> None:
    """Every insert takes long: nobody gives up and sends it again, and the group stays together."""
    retries = _retries(run.system)
    run.system.clickhouse.fault(match=INSERT, times=-1, delay_ms=int(scale(2_000, 30_000)))
    run.sleep(scale(5, 100))
    run.system.clickhouse.clear_faults()
    run.ended()
    run.outcome.require(_retries(run.system) == retries, "a slow insert was sent again")


@fault("clickhouse: 252, 241, 243, 202")
def refusing(run: Scenario, scale: Scale) -> None:
    """It answers "not now", before an insert and after one that it has executed all the same."""
    clickhouse, retries = run.system.clickhouse, _retries(run.system)
    for code in NOT_NOW:
        clickhouse.fault(match=INSERT, times=scale.times(1, 6), code=code)
        clickhouse.fault(match=INSERT, times=scale.times(1, 3), late_code=code)
        until(lambda: clickhouse.armed() == 0, 60, "every fault has struck")
        run.sleep(0, scale(0.2, 3))
    run.ended()
    until(lambda: _retries(run.system) > retries, 10, "batches were tried again")


@fault("clickhouse: connection cut", deleters=2)
def cut(run: Scenario, scale: Scale) -> None:
    """The connection is cut: after the insert was executed but before the answer, and before it was."""
    clickhouse = run.system.clickhouse
    for number in range(scale.times(2, 10)):
        clickhouse.fault(match=("DELETE FROM", "`tombstones`")[number % 2], drop=True)
        clickhouse.fault(match=INSERT, times=2, drop=True)
        clickhouse.fault(match=INSERT, refuse=True)
        until(lambda: clickhouse.armed() == 0, 60, "every fault has struck")
        run.sleep(0, scale(0.2, 3))
    run.ended()


@fault("clickhouse: kill -9")
def killed(run: Scenario, scale: Scale) -> None:
    """In the midst of inserts, and started again."""
    clickhouse = run.system.clickhouse
    for _ in range(scale.times(1, 6)):
        clickhouse.fault(match=INSERT, hold_ms=1000)
        until(lambda: clickhouse.armed() == 0, 60, "an insert is held up")
        run.sleep(0, 0.8)
        clickhouse.kill()
        run.sleep(0, scale(1, 4))
        clickhouse.start()
        run.ended()
        run.outcome.note(gap_seconds=run.clients.recovery(time.monotonic()))


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


def _retries(system: System) -> float:
    return sum(worker.metric("eventide_write_retries_total") for worker in system.workers)


FAULTS = [away, slow, refusing, cut, killed]
