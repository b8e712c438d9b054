"""Traces of a write and of a read through real processes, as a receiver of OTLP gets them."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.tracing import start_tracing
from schema import tracing
from schema.settings import Settings
from tests.harness.api import Api, until
from tests.harness.deployment import Deployment, distributed, embedded
from tests.harness.events import scalar
from tests.observe.collector import Collector, Received, collector
from tests.servers.choice import Kafka
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.process import free_port

HISTOGRAM = "events.scalar_metrics_iter_histogram"
WAIT_SECONDS = 20


@pytest.fixture(scope="module", autouse=True)
def soon() -> Iterator[None]:
    """Have processes send spans after a tenth of a second, not five."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        yield


@pytest.fixture(scope="module")
def received() -> Iterator[Collector]:
    with collector() as made:
        yield made


@pytest.fixture(scope="module")
def tiers(
    received: Collector, kafka: Kafka, clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Every tier, each of whose requests is traced."""
    settings = {"TRACE_ENDPOINT": received.endpoint, "TRACE_RATIO": "1"}
    directory = tmp_path_factory.mktemp("tiers")
    with distributed(directory, kafka.bootstrap, clickhouse_server.url, settings) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def alone(received: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One process, each of whose requests is traced."""
    settings = {"TRACE_ENDPOINT": received.endpoint, "TRACE_RATIO": "1"}
    with embedded(tmp_path_factory.mktemp("alone"), settings) as deployment:
        yield deployment


def new_trace() -> tuple[str, dict[str, str]]:
    """A trace of the client's, and the header that tells it."""
    trace = secrets.token_hex(16)
    return trace, {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}


def written(deployment: Deployment, received: Collector) -> tuple[str, list[Received]]:
    """The task and the spans of a visible write."""
    trace, headers = new_trace()
    with Api(deployment.origins, deployment.credentials) as api:
        task = api.create_task()
        assert api.raw_batch([scalar(task, 1, 0.5)], headers=headers).status_code == 200
    until(lambda: {"events.add_batch", "write records"} <= names(received.of_trace(trace)), seconds=WAIT_SECONDS)
    return task, received.of_trace(trace)


def names(spans: list[Received]) -> set[str]:
    return {span.name for span in spans}


def one(spans: list[Received], name: str) -> Received:
    (found,) = [span for span in spans if span.name == name]
    return found


def below(spans: list[Received], parent: Received) -> set[str]:
    """The names of the spans below another, at any depth."""
    children = [span for span in spans if span.parent == parent.id]
    return names(children).union(*(below(spans, child) for child in children))


def test_a_write_from_the_request_to_readable_rows(tiers: Deployment, received: Collector) -> None:
    _, spans = written(tiers, received)
    request, sent, stored = (one(spans, name) for name in ("events.add_batch", "publish", "write records"))
    assert (request.service, sent.service, stored.service) == (
        "eventide-gateway",
        "eventide-gateway",
        "eventide-worker",
    )
    assert below(spans, request) >= {"parse batch", "publish", "wait until visible", "write records"}
    assert stored.parent == sent.id
    assert below(spans, stored) >= {"clickhouse insert", "publish applied offsets"}
    inserts = [span for span in spans if span.name == "clickhouse insert"]
    assert "scalars" in {span.attributes["db.collection.name"] for span in inserts}
    waited = one(spans, "wait until visible")
    assert sent.start <= min(span.start for span in inserts) <= max(span.end for span in inserts) <= waited.end
    assert request.attributes["http.response.status_code"] == "200"
    assert len(request.attributes["eventide.request_id"]) == 32


def test_a_read_from_the_request_through_its_statements_to_the_answer(tiers: Deployment, received: Collector) -> None:
    task, _ = written(tiers, received)
    trace, headers = new_trace()
    with Api(tiers.origins, tiers.credentials) as api:
        assert api.raw(HISTOGRAM, {"task": task}, headers=headers).status_code == 200
    until(lambda: HISTOGRAM in names(received.of_trace(trace)), seconds=WAIT_SECONDS)
    spans = received.of_trace(trace)
    request = one(spans, HISTOGRAM)
    assert {span.service for span in spans} == {"eventide-query"}
    assert below(spans, request) >= {"registry read", "clickhouse read", "encode answer"}
    statements = [span.attributes["db.query.text"] for span in spans if span.name == "clickhouse read"]
    assert all("SELECT" in text and task not in text for text in statements)


def test_one_process(alone: Deployment, received: Collector) -> None:
    task, spans = written(alone, received)
    assert {span.service for span in spans} == {"eventide-up"}
    stored = one(spans, "write records")
    assert stored.parent == one(spans, "publish").id
    assert "clickhouse insert" in below(spans, stored)
    trace, headers = new_trace()
    with Api(alone.origins, alone.credentials) as api:
        assert api.raw(HISTOGRAM, {"task": task}, headers=headers).status_code == 200
    until(lambda: HISTOGRAM in names(received.of_trace(trace)), seconds=WAIT_SECONDS)


def test_records_of_several_requests_that_are_written_at_once(tiers: Deployment, received: Collector) -> None:
    """The batch is below the first of them, and linked with the others."""
    trace, headers = new_trace()
    others = []
    with Api(tiers.origins, tiers.credentials) as api:
        task = api.create_task()
        tiers.processes["worker"].pause()
        for number in range(5):
            other, of_other = (trace, headers) if number == 0 else new_trace()
            others.append(other)
            sent = of_other | {"X-Eventide-Ack": "durable"}
            assert api.raw_batch([scalar(task, number, 0.5)], headers=sent).status_code == 200
        tiers.processes["worker"].resume()
    until(lambda: any(span.name == "write records" and span.links for span in received.all()), seconds=WAIT_SECONDS)
    batch = next(span for span in received.all() if span.name == "write records" and span.links)
    assert {batch.trace, *batch.links} <= set(others)


def test_what_a_process_does_by_itself_is_no_trace(tiers: Deployment, received: Collector) -> None:
    written(tiers, received)
    roots = {span.name for span in received.all() if not span.parent}
    assert not {name for name in roots if name.startswith(("clickhouse", "registry", "publish"))}


def test_clients_do_not_decide_what_is_sampled(tmp_path: Path, received: Collector) -> None:
    settings = {"TRACE_ENDPOINT": received.endpoint, "TRACE_RATIO": "0"}
    trace, headers = new_trace()
    with embedded(tmp_path, settings) as deployment, Api(deployment.origins, deployment.credentials) as api:
        task = api.create_task()
        assert api.raw_batch([scalar(task, 1, 0.5)], headers=headers).status_code == 200
        assert api.raw(HISTOGRAM, {"task": task}, headers=headers).status_code == 200
    assert received.of_trace(trace) == []


def test_a_collector_that_is_away_holds_up_neither_requests_nor_the_end() -> None:
    start_tracing("gateway", Settings(trace_endpoint=f"http://127.0.0.1:{free_port()}/v1/traces", trace_ratio=1))
    try:
        started = time.monotonic()
        for _ in range(5000):
            with tracing.request_span(""), tracing.span("below"):
                pass
        assert time.monotonic() - started < 5
    finally:
        started = time.monotonic()
        tracing.stop()
    assert time.monotonic() - started < 10
    assert tracing.request_span("") is tracing.NO_SPAN


@pytest.mark.parametrize("command", ["gateway", "worker", "query", "files"])
def test_the_libraries_are_not_loaded_where_nothing_is_traced(command: str) -> None:
    program = f"import sys, deploy.{command}; sys.exit('opentelemetry' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
