"""Changes of an installation under traffic: migrated twice at once, partitions added."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tests.faults.outcome import Outcome
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import System

MORE_PARTITIONS = 9


def migrated_twice(system: System, seed: int, scale: Scale) -> Outcome:
    """`eventide migrate` several times at once, of a new installation and under traffic: all end well."""
    own = System(system.servers, gateways=1, workers=1, queries=1)
    with own, Scenario("migrate: several at once", own, seed) as run:
        codes = migrate_at_once(own, scale.times(2, 4))
        run.outcome.require(not any(code for code, _ in codes), f"migrations ended with {codes}")
        run.ended()
    return run.outcome


def partitions_added(system: System, seed: int, scale: Scale) -> Outcome:
    """Entities move to other partitions: the epoch rises, and the last value that was acknowledged stays on top."""
    own = System(system.servers, queries=1, kafka_timeout_seconds=scale(3, 8))
    with own, Scenario("topics: partitions added", own, seed) as run:
        run.sleep(scale(1, 10))
        own.environment["EVENTIDE_KAFKA_PARTITIONS"] = str(MORE_PARTITIONS)
        said = own.command("migrate")
        run.outcome.require(f"{MORE_PARTITIONS} partitions, epoch 2" in said, f"migrate says {said}")
        own.partitions = MORE_PARTITIONS
        run.ended()
        run.outcome.recovery_seconds = run.clients.recovery(time.monotonic())
        run.sleep(scale(2, 10))
        listed = own.command("topics")
        run.outcome.require(f"{MORE_PARTITIONS} partitions, epoch 2" in listed, f"topics says {listed}")
        used = [lag.partition for lag in own.lags() if lag.end]
        run.outcome.require(any(partition >= 6 for partition in used), f"only partitions {used} are used")
    return run.outcome


def migrate_at_once(system: System, times: int) -> list[tuple[int, str]]:
    """How as many commands at the same time ended."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: system.attempt("migrate"), range(times)))


FAULTS = [migrated_twice, partitions_added]
