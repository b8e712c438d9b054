"""What can never be written is parked, with its reason, and nothing else is; and the faults of the DLQ itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from clickhouse_connect import get_client

from ingest.kafka.topic_names import dlq_topic
from schema.events.blocks import SCHEMA_VERSION
from tests.faults.fault import fault
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import Servers, System, until
from tests.faults.topic import Found, configure, events_of, produce, records
from tests.harness.events import SCALAR, scalar

ROWS, BAD_ROW = 10_000, 5_000
REFUSED = "a metric that ClickHouse refuses"
MAX_RUN, TOO_MANY = 5, 20
# As `eventide migrate` makes the topic, and how Kafka refuses whatever is sent to it.
DLQ_SETTINGS = {"min_insync_replicas": "2", "retention_ms": "-1", "unclean_leader_election_enable": "false"}
WRITABLE, NOT_WRITABLE = {"max_message_bytes": str(33 << 20)}, {"max_message_bytes": "1"}
Poison = tuple[Mapping[str, bytes], bytes]


@fault("poison: unreadable records")
def unreadable(run: Scenario, scale: Scale) -> None:
    """Records that are no block, or one of a newer schema: parked with a reason, listed, shown, never replayed."""
    partition = run.random.randrange(run.system.partitions)
    kafka, company = run.system.kafka.bootstrap, run.clients.caller.company
    offsets = produce(kafka, run.system.name, partition, _unreadable(company))
    parked = until(lambda: _parked_of(run.system, partition, offsets), 60, "all is parked")
    run.ended()
    run.outcome.require(len(parked) == len(offsets), f"{len(parked)} are parked of {len(offsets)}")
    _expect_told(run, parked, scale.times(2, len(parked)))


@fault("poison: a refused row in 10 000")
def refused_row(run: Scenario, scale: Scale) -> None:
    """One row of 10 000 that ClickHouse refuses: it alone is parked; replayed once nothing is against it."""
    caller = run.clients.caller
    (task,) = caller.new_tasks(1)
    with _refusing(run.system):
        metrics = (REFUSED if number == BAD_ROW else "m" for number in range(ROWS))
        events = (scalar(task, number, metric=metric) for number, metric in enumerate(metrics))
        caller.write(events, ack="durable")  # to look for the row may take longer than a gateway waits
        parked = until(lambda: _parked_rows(run.system, task), 60, "the row is parked")
        until(lambda: sum(1 for _ in caller.events(task)) >= ROWS - 1, 60, "the others are there")
        _expect_iterations(run, task, set(range(ROWS)) - {BAD_ROW})
    run.ended()
    iterations = {event["iter"] for record in parked for event in events_of(record)}
    run.outcome.require(iterations == {BAD_ROW}, f"{sorted(iterations)[:5]} are parked")
    _replay_twice(run, parked[0])
    until(lambda: sum(1 for _ in caller.events(task)) >= ROWS, 60, "the row is there")
    _expect_iterations(run, task, set(range(ROWS)))


@fault("poison: DLQ not writable")
def dlq_away(run: Scenario, scale: Scale) -> None:
    """The worker waits, says so, and commits nothing behind what it cannot park."""
    system, partition = run.system, run.random.randrange(run.system.partitions)
    configure(system.kafka.bootstrap, dlq_topic(system.name), **DLQ_SETTINGS, **NOT_WRITABLE)
    offsets = produce(system.kafka.bootstrap, system.name, partition, [({}, b"poison")])
    until(lambda: _says(system, "DLQ"), 60, "a worker says that it is blocked")
    run.sleep(scale(1, 40))
    run.outcome.require(_says(system, "DLQ"), "no worker says that the DLQ cannot be written")
    committed = {lag.partition: lag.committed for lag in system.lags()}[partition]
    run.outcome.require(committed <= offsets[0], f"committed {committed}, not parked: {offsets[0]}")
    for worker in system.workers:
        run.outcome.require(worker.health("/healthz")[0] == 200, f"{worker.name} says it is not alive")
    configure(system.kafka.bootstrap, dlq_topic(system.name), **DLQ_SETTINGS, **WRITABLE)
    run.ended()
    until(lambda: _parked_of(system, partition, offsets), 60, "it is parked")


def _with_a_low_limit(servers: Servers, scale: Scale) -> System:
    return System(servers, gateways=1, workers=1, queries=1, dlq_max_run=MAX_RUN)


@fault("poison: DLQ limit exceeded", own=_with_a_low_limit, deleters=0)
def limit(run: Scenario, scale: Scale) -> None:
    """Too many in a row: the worker leaves for good and commits nothing behind, until somebody allows more."""
    system = run.system
    offsets = produce(system.kafka.bootstrap, system.name, 0, [({}, b"poison")] * TOO_MANY)
    code = system.workers[0].exit_code(60)
    run.outcome.require(code == 1, f"the worker ended with {code}")
    run.outcome.require("eventide dlq" in system.workers[0].log.read_text(), "the worker does not say where to look")
    committed = {lag.partition: lag.committed for lag in system.lags()}[0]
    run.outcome.require(committed <= offsets[MAX_RUN], f"committed {committed}, not parked: {offsets[MAX_RUN]}")
    system.workers = [system.new_worker("--dlq-max-run", "100")]
    system.workers[0].start()
    run.ended()
    until(lambda: _parked_of(system, 0, offsets), 60, "all is parked")


@contextmanager
def _refusing(system: System) -> Iterator[None]:
    """Inside, ClickHouse refuses rows of one metric."""
    _execute(system, f"ALTER TABLE scalars ADD CONSTRAINT refuse CHECK metric != '{REFUSED}'")
    try:
        yield
    finally:
        _execute(system, "ALTER TABLE scalars DROP CONSTRAINT refuse")


def _replay_twice(run: Scenario, parked: Found) -> None:
    """The first replay sends it again, for the second there is nothing left."""
    first = run.system.command("dlq", "replay", "--offset", str(parked.offset))
    run.outcome.require("replayed 1 of 1" in first, f"the replay says {first}")
    code, said = run.system.attempt("dlq", "replay", "--offset", str(parked.offset))
    run.outcome.require(code == 1 and "has been replayed" in said, f"the second replay says {said}")


def _unreadable(company: str) -> list[Poison]:
    block = {"schema": b"1", "epoch": b"1", "kind": SCALAR.encode(), "company": company.encode(), "received_at": b"1"}
    newer = block | {"schema": str(SCHEMA_VERSION + 1).encode()}
    return [
        ({}, b""),
        ({"schema": b"one"}, b"text"),
        (block, b"not Arrow"),
        (newer, b""),
        (block | {"kind": b"x"}, b""),
    ]


def _parked_of(system: System, partition: int, offsets: list[int]) -> list[Found]:
    """What the DLQ has of these records, once it has all of them."""
    places = {f"{partition}-{offset}" for offset in offsets}
    found = [(_place_of(record), record) for record in records(system.kafka.bootstrap, dlq_topic(system.name))]
    return [record for place, record in found if place in places] if places <= {place for place, _ in found} else []


def _place_of(record: Found) -> str:
    partition, offset = (record.headers.get(f"dlq_{name}", b"").decode() for name in ("partition", "offset"))
    return f"{partition}-{offset}"


def _expect_told(run: Scenario, parked: list[Found], shown: int) -> None:
    """``eventide dlq`` lists each, shows as many as wanted, and replays none."""
    listed = run.system.command("dlq", "list")
    for record in parked:
        reason = record.headers["dlq_reason"].decode()
        run.outcome.require(reason and reason in listed, f"dlq list does not say {reason!r}")
    for record in parked[:shown]:
        _expect_shown(run, record)
    code, said = run.system.attempt("dlq", "replay", "--offset", str(parked[0].offset))
    run.outcome.require(code == 1 and "stays" in said, f"a replay of what cannot be read ended with {code}: {said}")


def _expect_shown(run: Scenario, record: Found) -> None:
    told = json.loads(run.system.command("dlq", "show", "--offset", str(record.offset)))
    expected = record.headers["dlq_reason"].decode(), record.value.hex()
    run.outcome.require((told["reason"], told["value"]) == expected, f"dlq show says {told}")


def _parked_rows(system: System, task: str) -> list[Found]:
    """What the DLQ has of a task."""
    parked = records(system.kafka.bootstrap, dlq_topic(system.name))
    return [record for record in parked if any(event["task"] == task for event in events_of(record))]


def _expect_iterations(run: Scenario, task: str, wanted: set[int]) -> None:
    found = [event["iter"] for event in run.clients.caller.events(task)]
    verdict = run.outcome.verdict
    verdict.lost += len(wanted - set(found))
    verdict.twice += len(found) - len(set(found))
    run.outcome.require(set(found) <= wanted, f"{sorted(set(found) - wanted)[:5]} should not be there")


def _execute(system: System, statement: str) -> None:
    client = get_client(dsn=system.environment["EVENTIDE_CLICKHOUSE_URL"])
    client.command(statement)
    client.close()


def _says(system: System, text: str) -> bool:
    """Whether a worker is not ready for such a reason."""
    return any(text in json.dumps(worker.health()[1]) for worker in system.workers)


FAULTS = [unreadable, refused_row, dlq_away, limit]
