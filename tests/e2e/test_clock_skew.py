"""Processes whose clocks are wrong: they take writes, what comes through them is told, and they measure and say it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_nobody_consumes import metric
from tests.harness.api import JSON_LINES, Api, Origins, until
from tests.harness.deployment import ROOT, Deployment, distributed, is_ready
from tests.harness.events import Event, image, log, plot, scalar, vector
from tests.harness.listener import listening
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


@contextmanager
def skewed(deployment: Deployment, directory: Path, seconds: float, command: str) -> Iterator[tuple[str, Process]]:
    """A process of the deployment's whose clock is wrong by so much, at its origin."""
    port = free_port()
    arguments = [sys.executable, str(SKEWED), str(seconds), command, "--port", str(port)]
    process = Process(arguments, directory / f"{command}.log", env=dict(deployment.environment), cwd=ROOT)
    process.start()
    origin = f"http://127.0.0.1:{port}"
    try:
        process.wait_until(lambda: is_ready(origin), 60)
        yield origin, process
    finally:
        process.terminate()


@pytest.mark.parametrize(
    ("seconds", "said"), [(-20, "20.0 s behind"), (3600, "3600.0 s ahead of"), (0.2, "within 1 s of")]
)
def test_writes_and_what_is_said(deployment: Deployment, tmp_path: Path, seconds: float, said: str) -> None:
    assert seconds > -TIMEOUT_SECONDS or said.endswith("behind")
    with skewed(deployment, tmp_path, seconds, "gateway") as (origin, gateway):
        check_writes(deployment, origin)
        assert httpx.get(f"{origin}/readyz").json()["details"]["clock"].startswith(said)
        found = metric(origin, "eventide_kafka_clock_skew_seconds")
        assert found == pytest.approx(-seconds if abs(seconds) > 1 else 0, abs=0.5)
        assert ("the clock of this process is" in gateway.log.read_text()) == (abs(seconds) > 1)


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


def test_what_comes_through_a_clock_behind_is_told_live(deployment: Deployment, tmp_path: Path) -> None:
    """Of two gateways: in an open stream, for each type of events, and to who asks for later lines."""
    right = Api(deployment.origins, deployment.credentials)
    task = right.create_task()
    with skewed(deployment, tmp_path, -60, "gateway") as (origin, _):
        behind = Api(Origins(origin, deployment.origins.query), deployment.credentials)
        right.add(*events(task, "right"))
        position = right.call("events.get_new_task_log", task=task)["position"]
        with listening(right, task) as stream:
            for event in events(task, "behind"):
                behind.add(event)
                assert stream.next("change")[2]["types"] == [event["type"]]
        found = right.call("events.get_new_task_log", task=task, after=position)["events"]
        assert [line["msg"] for line in found] == ["behind"]


def events(task: str, said: str) -> list[Event]:
    """One of each type; where they have no timestamp it is the gateway's time."""
    return [log(task, said), plot(task), image(task), vector(task), scalar(task)]


def test_freshness_is_by_the_brokers_clock(deployment: Deployment, tmp_path: Path) -> None:
    """Of what came through a gateway that is a minute behind, once it has measured that."""
    with skewed(deployment, tmp_path, -60, "gateway") as (origin, _):
        totals = []
        for _ in range(2):
            count = freshness(deployment)[0]
            write_durably(deployment, origin)
            until(lambda count=count: freshness(deployment)[0] > count, seconds=20)  # type: ignore[misc]
            totals.append(freshness(deployment)[1])
        assert totals[1] - totals[0] < 30


def freshness(deployment: Deployment) -> tuple[float, float]:
    """Of how many records the worker has told how long they took, and how long that was together."""
    count, total = (metric(deployment.worker, f"eventide_freshness_seconds_{name}") for name in ("count", "sum"))
    return count, total


def test_ages_of_records_are_by_the_brokers_clock(deployment: Deployment, tmp_path: Path) -> None:
    """At a gateway an hour ahead and at one that is behind; the worker measures the difference, too."""
    deployment.processes["worker"].terminate()
    for seconds in (3600, -60):
        (tmp_path / str(seconds)).mkdir()
        with skewed(deployment, tmp_path / str(seconds), seconds, "gateway") as (origin, _):
            write_durably(deployment, origin)
            until(lambda: metric(origin, "eventide_unapplied_seconds") > 5, seconds=20)
            assert metric(origin, "eventide_unapplied_seconds") < 60
    with skewed(deployment, tmp_path, 3600, "worker-process") as (origin, _):
        until(lambda: metric(origin, "eventide_kafka_clock_skew_seconds") == pytest.approx(-3600, abs=1), seconds=60)
    deployment.processes["worker"].start()


def write_durably(deployment: Deployment, origin: str) -> None:
    with Api(Origins(origin, origin), deployment.credentials) as api:
        body = json.dumps(scalar(api.create_task(), 0, 0.5)).encode()
        headers = {"Content-Type": JSON_LINES, "X-Eventide-Ack": "durable"}
        assert api.raw("events.add_batch", content=body, headers=headers).status_code == 200
