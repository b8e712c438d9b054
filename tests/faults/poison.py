"""What can never be written is parked, with its reason, and nothing else is; and the faults of the DLQ itself."""

from __future__ import annotations

import json
from collections.abc import Mapping

from clickhouse_connect import get_client

from ingest.kafka.names import dlq_topic
from schema.blocks import SCHEMA_VERSION
from tests.faults.outcome import Outcome
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import System, until
from tests.faults.topic import Found, configure, produce, records, tasks_of
from tests.harness.events import SCALAR, scalar

ROWS, BAD_ROW = 10_000, 5_000
REFUSED = "a metric that ClickHouse refuses"
MAX_RUN, TOO_MANY = 5, 20
# What `eventide migrate` sets, and what makes every write to the DLQ fail.
DLQ_SETTINGS = {"max_message_bytes": str(33 << 20), "retention_ms": "-1", "unclean_leader_election_enable": "false"}
WRITABLE, NOT_WRITABLE = {"min_insync_replicas": "2"}, {"min_insync_replicas": "4"}
Poison = tuple[Mapping[str, bytes], bytes]


def unreadable(system: System, seed: int, scale: Scale) -> Outcome:
    """Records that are no block, or one of a newer schema: parked with a reason, listed, shown, never replayed."""
    with Scenario("poison: unreadable records", system, seed) as run:
        partition = run.random.randrange(system.partitions)
        offsets = produce(system.kafka.bootstrap, system.name, partition, _unreadable(run.clients.caller.company))
        parked = until(lambda: _parked_of(system, partition, offsets), 60, "all is parked")
        run.ended()
        run.outcome.require(len(parked) == len(offsets), f"{len(parked)} are parked of {len(offsets)}")
        _expect_told(run, parked)
    return run.outcome


def refused_row(system: System, seed: int, scale: Scale) -> Outcome:
    """One row of 10 000 that ClickHouse refuses: it alone is parked; replayed once nothing is against it."""
    with Scenario("poison: a refused row in 10 000", system, seed) as run:
        caller = run.clients.caller
        (task,) = caller.new_tasks(1)
        _execute(system, f"ALTER TABLE scalars ADD CONSTRAINT refuse CHECK metric != '{REFUSED}'")
        try:
            metrics = (REFUSED if number == BAD_ROW else "m" for number in range(ROWS))
            caller.write(scalar(task, number, metric=metric) for number, metric in enumerate(metrics))
            parked = _rows_of(system, task)
            _expect_iterations(run, task, set(range(ROWS)) - {BAD_ROW})
        finally:
            _execute(system, "ALTER TABLE scalars DROP CONSTRAINT refuse")
        run.ended()
        run.outcome.require(len(parked) == 1, f"{len(parked)} rows are parked")
        for _ in range(2):  # twice is as good as once
            code, said = system.attempt("dlq", "replay", "--offset", str(parked[0].offset))
        run.outcome.require(code == 1 and "replayed" in said, f"the second replay says {said}")
        until(lambda: sum(1 for _ in caller.events(task)) >= ROWS, 60, "the row is there")
        _expect_iterations(run, task, set(range(ROWS)))
    return run.outcome


def dlq_away(system: System, seed: int, scale: Scale) -> Outcome:
    """The DLQ cannot be written: the worker waits, says so, and commits nothing behind what it cannot park."""
    dlq = dlq_topic(system.name)
    with Scenario("poison: DLQ not writable", system, seed) as run:
        configure(system.kafka.bootstrap, dlq, **DLQ_SETTINGS, **NOT_WRITABLE)
        partition = run.random.randrange(system.partitions)
        offsets = produce(system.kafka.bootstrap, system.name, partition, [({}, b"poison")])
        until(lambda: _says(system, "DLQ"), 60, "a worker says that it is blocked")
        run.sleep(scale(2, 40))
        run.outcome.require(_says(system, "DLQ"), "no worker says that the DLQ cannot be written")
        committed = {lag.partition: lag.committed for lag in system.lags()}[partition]
        run.outcome.require(committed <= offsets[0], f"committed {committed}, not parked: {offsets[0]}")
        for worker in system.workers:
            run.outcome.require(worker.health("/healthz")[0] == 200, f"{worker.name} says it is not alive")
        configure(system.kafka.bootstrap, dlq, **DLQ_SETTINGS, **WRITABLE)
        run.ended()
        until(lambda: _parked_of(system, partition, offsets), 60, "it is parked")
    return run.outcome


def limit(system: System, seed: int, scale: Scale) -> Outcome:
    """Too many in a row: the worker leaves for good and commits nothing behind, until somebody allows more."""
    own = System(system.servers, gateways=1, workers=1, queries=1, dlq_max_run=MAX_RUN)
    with own, Scenario("poison: DLQ limit exceeded", own, seed, deleters=0) as run:
        offsets = produce(own.kafka.bootstrap, own.name, 0, [({}, b"poison")] * TOO_MANY)
        code = own.workers[0].exit_code(60)
        run.outcome.require(code == 1, f"the worker ended with {code}")
        run.outcome.require("eventide dlq" in own.workers[0].log.read_text(), "the worker does not say where to look")
        committed = {lag.partition: lag.committed for lag in own.lags()}[0]
        run.outcome.require(committed <= offsets[MAX_RUN], f"committed {committed}, not parked: {offsets[MAX_RUN]}")
        own.workers = [own.new_worker("--dlq-max-run", "100")]
        own.workers[0].start()
        run.ended()
        until(lambda: _parked_of(own, 0, offsets), 60, "all is parked")
    return run.outcome


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


def _expect_told(run: Scenario, parked: list[Found]) -> None:
    """``eventide dlq`` lists and shows each, and replays none."""
    listed = run.system.command("dlq", "list")
    for record in parked:
        reason = record.headers["dlq_reason"].decode()
        run.outcome.require(reason and reason in listed, f"dlq list does not say {reason!r}")
        shown = json.loads(run.system.command("dlq", "show", "--offset", str(record.offset)))
        run.outcome.require(
            shown["reason"] == reason and shown["value"] == record.value.hex(), f"dlq show says {shown}"
        )
    code, said = run.system.attempt("dlq", "replay", "--offset", str(parked[0].offset))
    run.outcome.require(code == 1 and "stays" in said, f"a replay of what cannot be read ended with {code}: {said}")


def _rows_of(system: System, task: str) -> list[Found]:
    """What the DLQ has of a task's rows."""
    return [record for record in records(system.kafka.bootstrap, dlq_topic(system.name)) if task in tasks_of(record)]


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
