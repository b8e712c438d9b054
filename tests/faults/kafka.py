"""Faults of Kafka: brokers killed, paused, away; too few of them; partitions without a leader."""

from __future__ import annotations

import time
from itertools import pairwise

from tests.faults.outcome import Outcome
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import System, until

SETTLE_SECONDS = 3.0  # what was sent before a fault may be acknowledged within it


def broker_killed(system: System, seed: int, scale: Scale) -> Outcome:
    """kill -9 of brokers, one after the other, each restarted."""
    with Scenario("kafka: a broker killed", system, seed) as run:
        for node in run.random.sample(list(system.kafka.nodes), scale.times(1, 3)):
            system.kafka.kill(node)
            run.sleep(scale(4, 8), scale(6, 12))
            system.kafka.start(node)
        run.ended()
    return run.outcome


def broker_paused(system: System, seed: int, scale: Scale) -> Outcome:
    """SIGSTOP of a broker: its connections stay open and say nothing."""
    with Scenario("kafka: a broker paused", system, seed) as run:
        node = run.random.choice(list(system.kafka.nodes))
        system.kafka.pause(node)
        paused_at = time.monotonic()
        run.sleep(scale(9, 30))
        run.outcome.note(paused_without_write_seconds=_longest_gap(run, paused_at))
        system.kafka.resume(node)
        run.ended()
    return run.outcome


def all_away(system: System, seed: int, scale: Scale) -> Outcome:
    """All three brokers gone: no false 200, 503 with Retry-After, reads go on, memory is bounded."""
    with Scenario("kafka: all brokers away", system, seed) as run:
        for node in system.kafka.nodes:
            system.kafka.pause(node) if scale.is_short else system.kafka.kill(node)
        _expect_refusals(run, scale(10, 30))
        system.kafka.heal()
        run.ended()
        _expect_ready(run)
    return run.outcome


def too_few_in_sync(system: System, seed: int, scale: Scale) -> Outcome:
    """Two brokers of three gone: fewer than min.insync.replicas."""
    with Scenario("kafka: below min ISR", system, seed) as run:
        for node in run.random.sample(list(system.kafka.nodes), 2):
            system.kafka.pause(node) if scale.is_short else system.kafka.kill(node)
        _expect_refusals(run, scale(10, 25))
        system.kafka.heal()
        run.ended()
        _expect_ready(run)
    return run.outcome


def leader_unknown(system: System, seed: int, scale: Scale) -> Outcome:
    """Partitions without a leader for longer than the producer's request timeout: it must be replaced by itself."""
    timeout = scale(3, 15)
    own = System(system.servers, queries=1, kafka_replication=1, kafka_request_timeout_seconds=timeout)
    with own, Scenario("kafka: leader unknown", own, seed) as run:
        system.kafka.kill(1)
        run.sleep(timeout + scale(4, 15))
        system.kafka.start(1)
        run.ended()
        until(lambda: len(run.clients.probes) and _restarts(own), 60, "a producer was replaced")
        run.outcome.note(producer_restarts=_restarts(own))
    return run.outcome


def _restarts(system: System) -> float:
    return sum(gateway.metric("eventide_producer_restarts_total") for gateway in system.gateways)


def _expect_refusals(run: Scenario, seconds: float) -> None:
    """While Kafka takes nothing every write is a 503, no gateway is ready, all are alive, and reads are answered."""
    since = time.monotonic()
    task = run.clients.ledger.tasks[0]
    while time.monotonic() < since + seconds:
        run.clients.caller.read("events.get_task_events", task=task, batch_size=1)
        time.sleep(0.2)
    attempts = run.clients.attempts
    run.outcome.require(attempts.count(503, since) > 0, "no write was answered 503")
    run.outcome.require(not attempts.count(200, since + SETTLE_SECONDS), "a write was answered 200")
    for gateway in run.system.gateways:
        run.outcome.require(gateway.health()[0] == 503, f"{gateway.name} says it is ready")
        run.outcome.require(gateway.health("/healthz")[0] == 200, f"{gateway.name} says it is not alive")


def _expect_ready(run: Scenario) -> None:
    """Readiness follows."""
    for gateway in run.system.gateways:
        gateway.wait_ready(60)


def _longest_gap(run: Scenario, since: float) -> float:
    """The longest time without a write that reached every partition."""
    times = [since, *(acked for _, acked in run.clients.probes if acked > since), time.monotonic()]
    return max(later - earlier for earlier, later in pairwise(times))


FAULTS = [broker_killed, broker_paused, all_away, too_few_in_sync, leader_unknown]
