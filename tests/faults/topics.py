"""Changes of an installation under traffic: migrated twice at once, partitions added."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tests.faults.fault import fault
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import PARTITIONS, System

MORE_PARTITIONS = 9


@fault("migrate: several at once", own=lambda servers, _: System(servers, gateways=1, workers=1, queries=1))
def migrated_twice(run: Scenario, scale: Scale) -> None:
    """`eventide migrate` several times at once under traffic: all end well, and nothing changes."""
    said = _migrate_at_once(run, scale.times(2, 4))
    run.outcome.require(all("epoch 1" in one for one in said), f"migrate says {said}")
    run.ended()


@fault("topics: partitions added", own=lambda servers, scale: System(servers, kafka_timeout_seconds=scale(5, 8)))
def partitions_added(run: Scenario, scale: Scale) -> None:
    """Entities move to other partitions: the epoch rises, and the last value that was acknowledged stays on top.

    Every worker was started again before, so that none knows that it leads the group and has to watch for partitions.
    """
    for worker in run.system.workers:
        worker.kill()
        worker.start()
        worker.wait_ready(60)
    run.sleep(scale(0.5, 10))
    run.system.environment["EVENTIDE_KAFKA_PARTITIONS"] = str(MORE_PARTITIONS)
    changed = f"{MORE_PARTITIONS} partitions, epoch 2"
    said = _migrate_at_once(run, 2)
    run.outcome.require(all(changed in one for one in said), f"migrate says {said}")
    run.system.partitions = MORE_PARTITIONS
    run.ended()
    run.outcome.recovery_seconds = run.clients.recovery(time.monotonic())
    run.sleep(scale(1, 10))
    listed = run.system.command("topics")
    run.outcome.require(changed in listed, f"topics says {listed}")
    used = [lag.partition for lag in run.system.lags() if lag.end]
    run.outcome.require(any(partition >= PARTITIONS for partition in used), f"only partitions {used} are used")


def _migrate_at_once(run: Scenario, times: int) -> list[str]:
    """What as many commands at the same time said; all must succeed."""
    with ThreadPoolExecutor(times) as pool:
        ended = list(pool.map(lambda _: run.system.attempt("migrate"), range(times)))
    run.outcome.require(not any(code for code, _ in ended), f"migrations ended with {ended}")
    return [said for _, said in ended]


FAULTS = [migrated_twice, partitions_added]
