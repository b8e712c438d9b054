"""Real SDK traffic through both deployments: the same answers, and every event that was sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.api import Api
from tests.harness.deployment import distributed, embedded
from tests.harness.examples import RUNS, Example, renamed
from tests.servers.choice import Kafka
from tests.servers.clickhouse import ClickHouseServer

WRITE_TIMES = ("@timestamp", "last_timestamp")
MANY = 10_000


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, kafka: Kafka, clickhouse_server: ClickHouseServer
) -> Iterator[tuple[Api, Api]]:
    """Clients of an embedded and of a distributed deployment."""
    with (
        embedded(tmp_path_factory.mktemp("embedded")) as one,
        distributed(tmp_path_factory.mktemp("distributed"), kafka.bootstrap, clickhouse_server.url) as other,
        Api(one.origins, one.credentials) as embedded_api,
        Api(other.origins, other.credentials) as distributed_api,
    ):
        yield embedded_api, distributed_api


@pytest.mark.parametrize("run", RUNS)
def test_both_deployments_answer_alike_and_hold_every_event(both: tuple[Api, Api], run: str) -> None:
    example = Example(run)
    answers = [answers_about(api, example) for api in both]
    assert answers[0] == answers[1]


def answers_about(api: Api, example: Example) -> dict[str, Any]:
    """What the read endpoints say of a replayed run, its entities under their captured ids, without write times."""
    ids = example.replay(api)
    answers = {}
    for old, is_model in example.entities.items():
        events = api.events(ids[old], model_events=is_model)
        assert Counter(event["type"] for event in events) == example.stored(old)
        answers[old] = {"events": events, **reads(api, ids[old], is_model)}
    text = renamed(json.dumps(answers), {new: old for old, new in ids.items()})
    return json.loads(text, object_hook=without_write_times)  # type: ignore[no-any-return]


def reads(api: Api, entity: str, is_model: bool) -> dict[str, Any]:
    """The other read endpoints, by name and version."""
    one: dict[str, Any] = {"task": entity, "model_events": is_model}
    calls: dict[str, dict[str, Any]] = {
        "scalar_metrics_iter_histogram": one | {"samples": 10},
        "get_task_plots": one | {"iters": 5},
        "debug_images": {"metrics": [{"task": entity}], "iters": 20, "model_events": is_model},
        "get_task_metrics": {"tasks": [entity], "event_type": "*", "model_events": is_model},
    }
    answers = {name: api.call(f"events.{name}", body) for name, body in calls.items()}
    del answers["debug_images"]["scroll_id"]
    if not is_model:
        answers["get_task_latest_scalar_values"] = api.call("events.get_task_latest_scalar_values", task=entity)
        for version in ("1.0", "1.7", "2.9"):
            log = api.call("events.get_task_log", task=entity, batch_size=MANY, version=version)
            answers[f"get_task_log {version}"] = log | {"scroll_id": None}
    return answers


def without_write_times(document: dict[str, Any]) -> dict[str, Any]:
    """A JSON object without the fields that say when it was stored."""
    return {name: value for name, value in document.items() if name not in WRITE_TIMES}
