"""Faults of Kafka: brokers killed, paused, away; too few of them; partitions without a leader."""

from __future__ import annotations

import time
from itertools import pairwise

from tests.faults.fault import fault
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import Servers, System, until

# Clients may all be waiting at one gateway (1.5 + 5 s) before they ask the other, which is not ready 5 s after that.
SHORT_SECONDS = 13.0
SETTLE_SECONDS = 3.0  # what was sent before a fault may be acknowledged within it


@fault("kafka: a broker killed")
def broker_killed(run: Scenario, scale: Scale) -> None:
    """kill -9 of brokers, one after the other, each restarted."""
    kafka = run.system.kafka
    for node in run.random.sample(list(kafka.nodes), scale.times(1, 3)):
        kafka.kill(node)
        run.sleep(scale(2, 8), scale(4, 12))
        kafka.start(node)
    run.ended()


@fault("kafka: a broker paused")
def broker_paused(run: Scenario, scale: Scale) -> None:
    """SIGSTOP of a broker: its connections stay open and say nothing."""
    node = run.random.choice(list(run.system.kafka.nodes))
    run.system.kafka.pause(node)
    paused_at = time.monotonic()
    run.sleep(scale(8, 30))
    run.outcome.note(paused_without_write_seconds=_longest_gap(run, paused_at))
    run.system.kafka.resume(node)
    run.ended()


@fault("kafka: all brokers away")
def all_away(run: Scenario, scale: Scale) -> None:
    """All three brokers gone: no false 200, 503 with Retry-After, reads go on, memory is bounded."""
    for node in run.system.kafka.nodes:
        run.system.kafka.pause(node) if scale.is_short else run.system.kafka.kill(node)
    _expect_refusals(run, scale(SHORT_SECONDS, 30))
    run.system.kafka.heal()
    run.ended()
    _expect_ready(run)


@fault("kafka: below min ISR")
def too_few_in_sync(run: Scenario, scale: Scale) -> None:
    """Two brokers of three gone: fewer than min.insync.replicas."""
    for node in run.random.sample(list(run.system.kafka.nodes), 2):
        run.system.kafka.pause(node) if scale.is_short else run.system.kafka.kill(node)
    _expect_refusals(run, scale(SHORT_SECONDS, 25))
    run.system.kafka.heal()
    run.ended()
    _expect_ready(run)


def _on_one_replica(servers: Servers, scale: Scale) -> System:
    return System(servers, gateways=1, queries=1, kafka_replication=1, kafka_request_timeout_seconds=scale(3, 15))


@fault("kafka: leader unknown", own=_on_one_replica)
def leader_unknown(run: Scenario, scale: Scale) -> None:
    """Partitions without a leader for longer than the producer's request timeout: it must be replaced by itself."""
    run.system.kafka.kill(1)
    run.sleep(scale(7, 30))
    run.system.kafka.start(1)
    run.ended()
    until(lambda: _restarts(run.system), 60, "a producer was replaced")
    run.outcome.note(producer_restarts=_restarts(run.system))


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
