"""A gateway whose clock is wrong takes writes, measures the difference to Kafka's clock, and says so."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_nobody_consumes import metric
from tests.harness.api import JSON_LINES, until
from tests.harness.deployment import ROOT, Deployment, distributed, is_ready
from tests.harness.events import scalar
from tests.servers.choice import Kafka
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.process import Process, free_port

SKEWED = ROOT / "tests" / "servers" / "skewed.py"
TIMEOUT_SECONDS = 8.0  # the default of EVENTIDE_KAFKA_TIMEOUT_SECONDS


@pytest.fixture(scope="module")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, kafka: Kafka, clickhouse_server: ClickHouseServer
) -> Iterator[Deployment]:
    with distributed(tmp_path_factory.mktemp("skew"), kafka.bootstrap, clickhouse_server.url) as running:
        yield running


@pytest.mark.parametrize(
    ("seconds", "said"), [(-20, "20.0 s behind"), (3600, "3600.0 s ahead of"), (0.2, "within 1 s of")]
)
def test_writes_and_what_is_said(deployment: Deployment, tmp_path: Path, seconds: float, said: str) -> None:
    assert seconds > -TIMEOUT_SECONDS or said.endswith("behind")
    port = free_port()
    command = [sys.executable, str(SKEWED), str(seconds), "gateway", "--port", str(port)]
    gateway = Process(command, tmp_path / "gateway.log", env=dict(deployment.environment), cwd=ROOT)
    gateway.start()
    origin = f"http://127.0.0.1:{port}"
    try:
        gateway.wait_until(lambda: is_ready(origin), 60)
        check_writes(deployment, origin)
        assert httpx.get(f"{origin}/readyz").json()["details"]["clock"].startswith(said)
        found = metric(origin, "eventide_kafka_clock_skew_seconds")
        assert found == pytest.approx(-seconds if abs(seconds) > 1 else 0, abs=0.5)
        assert ("the clock of this process is" in gateway.log.read_text()) == (abs(seconds) > 1)
    finally:
        gateway.terminate()


def check_writes(deployment: Deployment, origin: str) -> None:
    """The first write, before anything is measured, those after it, and a deletion; the events are readable."""
    keys = (deployment.credentials.access_key, deployment.credentials.secret_key)
    with httpx.Client(auth=keys, timeout=30) as client:
        task = client.post(f"{origin}/tasks.create", json={"name": "skewed", "type": "training"}).json()["data"]["id"]
        for step, ack in enumerate(("durable", "visible", "durable")):
            line = json.dumps(scalar(task, step, 0.5)).encode()
            headers = {"Content-Type": JSON_LINES, "X-Eventide-Ack": ack}
            answer = client.post(f"{origin}/events.add_batch", content=line, headers=headers)
            assert (answer.status_code, answer.json()["data"].get("added")) == (200, 1), answer.text

        def read() -> list[int]:
            url = f"{deployment.origins.query}/events.scalar_metrics_iter_histogram"
            return list(client.post(url, json={"task": task}).json()["data"]["m"]["v"]["x"])

        until(lambda: read() == [0, 1, 2], seconds=20)
        deleted = client.post(f"{origin}/events.delete_for_task", json={"task": task}).json()["data"]
        assert deleted == {"deleted": 3}
