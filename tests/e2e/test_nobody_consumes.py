"""A gateway says that nobody consumes: writes are durable, and nothing becomes readable."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

from tests.harness.api import JSON_LINES, Api, until
from tests.harness.deployment import distributed
from tests.harness.events import scalar
from tests.servers.choice import Kafka
from tests.servers.clickhouse import ClickHouseServer

RECORDS = 3


def detail(origin: str) -> str:
    """What ``/readyz``, which must be 200, says of unapplied records."""
    with urllib.request.urlopen(f"{origin}/readyz", timeout=5) as answer:
        return str(json.load(answer)["details"]["unapplied"])


def metric(origin: str, name: str) -> float:
    """The value of a metric without labels."""
    with urllib.request.urlopen(f"{origin}/metrics", timeout=5) as answer:
        found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
    assert found, name
    return float(found[1])


def test_the_age_of_the_oldest_unapplied_record(
    tmp_path: Path, kafka: Kafka, clickhouse_server: ClickHouseServer
) -> None:
    with (
        distributed(tmp_path, kafka.bootstrap, clickhouse_server.url) as deployment,
        Api(deployment.origins, deployment.credentials) as api,
    ):
        gateway = deployment.origins.gateway
        task = api.create_task()
        api.add(scalar(task, 0, 0.5))
        until(lambda: detail(gateway) == "none", seconds=20)
        deployment.processes["worker"].terminate()
        for step in range(RECORDS):
            line = json.dumps(scalar(task, step, 0.5)).encode()
            headers = {"Content-Type": JSON_LINES, "X-Eventide-Ack": "durable"}
            assert api.raw("events.add_batch", content=line, headers=headers).status_code == 200
        until(lambda: metric(gateway, "eventide_unapplied_records") == RECORDS, seconds=20)
        until(lambda: metric(gateway, "eventide_unapplied_seconds") > 5, seconds=20)
        assert detail(gateway).startswith(f"{RECORDS} records, the oldest ")
        deployment.processes["worker"].start()
        until(lambda: detail(gateway) == "none", seconds=60)
        assert metric(gateway, "eventide_unapplied_seconds") == 0
