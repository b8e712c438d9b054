"""kill -9 loses nothing that was acknowledged, and repeats nothing."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import httpx

from tests.harness.api import JSON_LINES, Api, until
from tests.harness.deployment import Deployment, distributed, embedded, is_ready
from tests.harness.plain import plain_client
from tests.servers.choice import Kafka
from tests.servers.clickhouse import ClickHouseServer

BATCHES, EVENTS_A_BATCH = 100, 2000
CLIENTS = 4
SECONDS_OF_LOAD = 2.0


def batch(task: str, number: int, count: int) -> bytes:
    """Scalars of iterations of their own, and a log line for each tenth."""
    lines = []
    for place in range(count):
        iteration = number * count + place
        lines.append({"type": "training_stats_scalar", "task": task, "iter": iteration, "metric": "m", "value": 1.0})
        if place % 10 == 0:
            lines.append({"type": "log", "task": task, "timestamp": iteration + 1, "msg": f"line {iteration}"})
    return "\n".join(map(json.dumps, lines)).encode()


def count_of(api: Api, task: str, event_type: str) -> int:
    """How many events of a type a task has; repeated ones would count."""
    answer = api.call("events.get_task_events", task=task, event_type=event_type, batch_size=1)
    return int(answer["total"])


def test_a_worker_killed_in_the_middle_loses_and_repeats_nothing(
    tmp_path: Path, kafka: Kafka, clickhouse_server: ClickHouseServer
) -> None:
    with (
        distributed(tmp_path, kafka.bootstrap, clickhouse_server.url) as deployment,
        Api(deployment.origins, deployment.credentials) as api,
    ):
        task = api.create_task()
        for number in range(BATCHES):
            response = api.raw(
                "events.add_batch",
                content=batch(task, number, EVENTS_A_BATCH),
                headers={"Content-Type": JSON_LINES, "X-Eventide-Ack": "durable"},
            )
            assert response.status_code == 200, response.text
            if number % 30 == 20:
                restart_worker(deployment)
        scalars = BATCHES * EVENTS_A_BATCH
        until(lambda: count_of(api, task, "training_stats_scalar") == scalars, seconds=90)
        assert count_of(api, task, "log") == scalars // 10
        assert count_of(api, task, "training_stats_scalar") == scalars


def restart_worker(deployment: Deployment) -> None:
    """kill -9 the supervisor, and with it the worker, and start both again."""
    deployment.processes["worker"].kill()
    deployment.processes["worker"].start()


def test_the_embedded_process_killed_under_load_loses_nothing_acknowledged(tmp_path: Path) -> None:
    with embedded(tmp_path) as deployment, Api(deployment.origins, deployment.credentials) as api:
        tasks = [api.create_task() for _ in range(CLIENTS)]
        acknowledged = write_until_killed(api, deployment, tasks)
        assert all(acknowledged.values())
        deployment.processes["up"].start()
        until(lambda: is_ready(deployment.origins.query), seconds=60)
        for task, batches in acknowledged.items():
            events = count_of(api, task, "training_stats_scalar")
            assert batches * 100 <= events <= (batches + 1) * 100  # the last may be stored and not answered


def write_until_killed(api: Api, deployment: Deployment, tasks: list[str]) -> dict[str, int]:
    """Four clients write without pause; in the midst the process is killed. Batches acknowledged, by task."""
    acknowledged = dict.fromkeys(tasks, 0)
    threads = [threading.Thread(target=write, args=(api, task, acknowledged)) for task in tasks]
    threads.append(threading.Timer(SECONDS_OF_LOAD, deployment.processes["up"].kill))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return acknowledged


def write(api: Api, task: str, acknowledged: dict[str, int]) -> None:
    """Send batches, one after another, until the connection breaks."""
    headers = {"Content-Type": JSON_LINES, "Authorization": f"Bearer {api.token}"}
    with plain_client(timeout=30) as client:
        try:
            while True:
                content = batch(task, acknowledged[task], 100)
                response = client.post(api.url("events.add_batch"), content=content, headers=headers)
                assert response.status_code == 200, response.text
                acknowledged[task] += 1
        except httpx.TransportError:
            return
