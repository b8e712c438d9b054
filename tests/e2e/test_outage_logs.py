"""What an outage under load leaves in the logs: one line a minute for each cause, with times and request ids."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.harness.api import JSON_LINES, Api, Origins, json_lines, until
from tests.harness.deployment import Deployment, distributed
from tests.harness.events import scalar
from tests.harness.plain import plain_client
from tests.servers.choice import first_of
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka import KafkaCluster

OUTAGE_SECONDS = 12
CLIENTS = 4
MOST_LINES = 30  # of all tiers in one outage; without the filter 1000 and more
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")

Line = dict[str, Any]


@pytest.fixture(scope="module")
def kafka_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """A Kafka that no other test uses."""
    directory = tmp_path_factory.mktemp("kafka-alone")
    with first_of(lambda: KafkaCluster(1, directory), required=os.environ.get("CI") == "true") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def deployment(
    kafka_alone: KafkaCluster, clickhouse_local: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Every tier."""
    directory = tmp_path_factory.mktemp("outage")
    with distributed(directory, kafka_alone.bootstrap, clickhouse_local.url, {"LOG_LEVEL": "info"}) as running:
        yield running


class Load:
    """Clients that write and read for as long as the block lasts, whatever they are answered."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.answers: Counter[int] = Counter()
        self.ids_of_503: set[str] = set()
        self._ending = threading.Event()
        with Api(deployment.origins, deployment.credentials) as api:
            self._task, self._token = api.create_task(), api.token
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        origins: Origins = self._deployment.origins
        write = f"{origins.gateway}/events.add_batch", json_lines([scalar(self._task, 1, 0.5)]), JSON_LINES
        read = f"{origins.query}/events.get_task_log", json.dumps({"task": self._task}).encode(), "application/json"
        with plain_client(timeout=30) as client:
            while not self._ending.is_set():
                for url, content, media_type in (write, read):
                    headers = {"Authorization": f"Bearer {self._token}", "Content-Type": media_type}
                    self._note(client.post(url, content=content, headers=headers))
                time.sleep(0.02)

    def _note(self, answer: httpx.Response) -> None:
        self.answers[answer.status_code] += 1
        if answer.status_code == 503:
            self.ids_of_503.add(answer.json()["meta"]["id"])


@contextmanager
def logged(deployment: Deployment) -> Iterator[dict[str, list[Line]]]:
    """The lines that each tier logs inside the block, once it has ended."""
    tiers = {tier: process.log for tier, process in deployment.processes.items()}
    before = {tier: len(log.read_bytes()) for tier, log in tiers.items()}
    lines: dict[str, list[Line]] = {}
    yield lines
    for tier, log in tiers.items():
        lines[tier] = [json.loads(line) for line in log.read_bytes()[before[tier] :].splitlines()]


def check(lines: dict[str, list[Line]], load: Load, fewest_refused: int) -> None:
    """Few lines, each with a time to the ms, and, if it is of a request that failed, that request's id."""
    every = [line for of_tier in lines.values() for line in of_tier]
    assert load.answers[503] >= fewest_refused, load.answers
    assert set(load.answers) <= {200, 503}, load.answers
    assert len(every) <= MOST_LINES, json.dumps(lines, indent=1)
    assert [line for line in every if not TIME.fullmatch(line["time"])] == []
    of_requests = [line for line in every if line["logger"] == "eventide.web"]
    assert of_requests
    assert [line for line in of_requests if line.get("request_id") not in load.ids_of_503] == []


def all_is_well(deployment: Deployment) -> bool:
    """Whether what is written can be read."""
    with Api(deployment.origins, deployment.credentials) as api:
        return api.raw_batch([scalar(api.create_task(), 1, 0.5)]).status_code == 200


def test_clickhouse_is_away(deployment: Deployment, clickhouse_local: ClickHouseServer) -> None:
    with logged(deployment) as lines, Load(deployment) as load:
        clickhouse_local.kill()
        time.sleep(OUTAGE_SECONDS)
    clickhouse_local.start()
    until(lambda: all_is_well(deployment), seconds=60)
    check(lines, load, fewest_refused=10 * MOST_LINES)
    assert any("the same batch is tried again" in line["message"] for line in lines["worker"])


def test_kafka_is_away(deployment: Deployment, kafka_alone: KafkaCluster) -> None:
    with logged(deployment) as lines, Load(deployment) as load:
        kafka_alone.kill(1)
        time.sleep(OUTAGE_SECONDS)
    kafka_alone.start(1)
    until(lambda: all_is_well(deployment), seconds=90)
    check(lines, load, fewest_refused=CLIENTS)  # each waits for 8 s
