"""A gateway tells how many records are on the DLQ and not replayed."""

from __future__ import annotations

import json
from pathlib import Path

from ingest.kafka.dlq_replay import REPLAYED
from ingest.kafka.topic_names import dlq_topic
from tests.e2e.test_nobody_consumes import metric
from tests.faults.topic import produce
from tests.harness.api import until
from tests.harness.deployment import distributed
from tests.servers.choice import Kafka
from tests.servers.clickhouse import ClickHouseServer


def test_what_is_parked_and_what_is_replayed(tmp_path: Path, kafka: Kafka, clickhouse_server: ClickHouseServer) -> None:
    with distributed(tmp_path, kafka.bootstrap, clickhouse_server.url) as deployment:
        gateway, topic = deployment.origins.gateway, deployment.environment["EVENTIDE_KAFKA_TOPIC"]

        def depth_is(count: int) -> bool:
            return metric(gateway, "eventide_dlq_records") == count

        until(lambda: depth_is(0), seconds=20)
        assert metric(gateway, "eventide_ready") == 1
        assert metric(gateway, "eventide_inflight_body_limit_bytes") == 512 << 20
        request = {"request_id": b"0123456789abcdef0123456789abcdef"}
        produce(kafka.bootstrap, topic, 0, [({}, b"no block"), (request, b"nor this")])  # the worker parks them
        until(lambda: depth_is(2), seconds=60)
        log = deployment.processes["worker"].log.read_text().splitlines()
        lines = [line[line.index("{") :] for line in log if '"message": "parked ' in line]  # a cursor before
        parked = [json.loads(line).get("request_id") for line in lines]
        assert parked == [None, request["request_id"].decode()]
        produce(kafka.bootstrap, dlq_topic(topic), 0, [({REPLAYED: b"0"}, b"")])
        until(lambda: depth_is(1), seconds=40)
