"""The API's own description: complete, self-contained, and kept under a fuzzer's requests."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core import NotSet
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from schema.build import build
from tests.harness.api import Api, Data
from tests.harness.deployment import Deployment
from tests.harness.events import image, model_events, one_of_each, plot, scalar

# API contract 1.3: the minimum versions of each call's implementations.
IMPLEMENTATIONS = {
    "debug_images": ["1.0", "1.8", "2.7"],
    "get_task_log": ["1.0", "1.7", "2.9"],
    "get_task_plots": ["1.0", "1.8"],
    "get_multi_task_plots": ["1.0", "1.8"],
    "get_debug_image_sample": ["2.12"],
    "next_debug_image_sample": ["2.12"],
    "scalar_metrics_iter_raw": ["2.16"],
    "clear_scroll": ["2.18"],
    "stream": ["2.34"],
    "get_new_task_log": ["2.34"],
    "scalar_metrics_bands": ["2.34"],
}
FROM_THE_START = """
add add_batch plots get_plot_sample next_plot_sample get_task_metrics get_task_events download_task_log
get_vector_metrics_and_variants get_scalar_metrics_and_variants vector_metrics_iter_histogram
scalar_metrics_iter_histogram multi_task_scalar_metrics_iter_histogram get_task_single_value_metrics
get_task_latest_scalar_values get_scalar_metric_data clear_task_log delete_for_task delete_for_model
get_multi_task_metrics
"""
IMPLEMENTATIONS |= {call: ["1.0"] for call in FROM_THE_START.split()}
EXAMPLES = 3  # requests to each call


@pytest.fixture(scope="module")
def origins(eventide: Deployment) -> list[str]:
    """Where the tiers describe themselves; nginx shows it to nobody."""
    return (eventide.tiers or eventide.origins).all()


@pytest.fixture(scope="module")
def description(nobody: Api, origins: list[str]) -> Data:
    """The document, the same from each tier."""
    documents = [nobody.ask(f"{origin}/openapi.json", method="GET").json() for origin in origins]
    assert all(document == documents[0] for document in documents)
    found: Data = documents[0]
    return found


def test_every_implementation_is_described(description: Data) -> None:
    paths = set(description["paths"])
    assert {f"/v{version}/events.{call}" for call, versions in IMPLEMENTATIONS.items() for version in versions} <= paths
    assert {path.partition("/events.")[2] for path in paths if "/events." in path} == set(IMPLEMENTATIONS)


def test_every_reference_leads_somewhere(description: Data) -> None:
    """Also where two requests have the same name."""
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(description)))
    assert referred <= set(description["components"]["schemas"])


def test_every_described_call_is_served(api: Api, description: Data) -> None:
    for path in description["paths"]:
        response = api.raw(path.rpartition("/")[2], [1], version=path[2:].partition("/")[0])
        assert response.status_code == 400, path


def test_the_page_needs_nothing_else(nobody: Api, origins: list[str], description: Data) -> None:
    for origin in origins:
        page = nobody.ask(f"{origin}/docs", method="GET")
        assert page.headers["Content-Type"].startswith("text/html")
        assert not re.search(r"<script|<link|<img|@import|url\(", page.text)
        assert all(path in page.text for path in description["paths"])


def test_docstrings_are_read_as_text(nobody: Api, origins: list[str], description: Data) -> None:
    """Neither the page nor the document shows reStructuredText; the page shows whole docstrings, and the way back."""
    for origin in origins:
        page = nobody.ask(f"{origin}/docs", method="GET").text
        assert "`" not in page
        assert "<code>urls</code>" in page
        assert "Images whose file a later one has overwritten are left out." in page
        assert '<a href=".">' in page
        assert f"Eventide {build()}" in page
    assert "``" not in json.dumps(description)


def test_no_request_is_an_internal_error(eventide: Deployment, description: Data) -> None:
    """Generated requests, most of them odd, on entities that exist: answers or refusals, never a 500."""
    with Api(eventide.origins, eventide.add_user("fuzzers", "fuzzer", "admin")) as fuzzer:
        task = fuzzer.create_task(project=fuzzer.call("projects.create", name="fuzzed")["id"])
        model = fuzzer.create_model(uri="file:///model")
        fuzzer.add(*one_of_each(task), *model_events([scalar(model), plot(model), image(model)]))
        known = {"task": task, "tasks": [task], "model": model}
        for found in schemathesis.openapi.from_dict(description).get_all_operations():
            assert isinstance(found, Ok)
            _fuzz(fuzzer, found.ok(), known)


def _fuzz(fuzzer: Api, operation: APIOperation[Any, Any, Any, Any], known: Data) -> None:
    action = operation.path.rpartition("/")[2]
    version = operation.path[2:].partition("/")[0]

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy())
    def no_internal_error(case: schemathesis.Case[Any]) -> None:
        body = {} if isinstance(case.body, NotSet) else case.body
        if isinstance(body, dict):
            body |= {name: value for name, value in known.items() if name in body}
        response = fuzzer.raw(action, body, version=version)
        assert response.status_code < 500, (operation.path, body, response.text)

    no_internal_error()
