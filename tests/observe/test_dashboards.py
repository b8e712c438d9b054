"""The dashboards: each is what the tables say, and every query of it is answered by a real Prometheus.

It scrapes a deployment of every tier, and one of one process, that were written to and read from.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.observe.__main__ import DIRECTORY, text
from deploy.observe.dashboards import DASHBOARDS
from deploy.observe.panels import Dashboard
from tests.harness.api import Api, until
from tests.harness.deployment import Deployment, distributed, embedded
from tests.harness.events import one_of_each, scalar
from tests.observe.names import known_series, series_in
from tests.observe.prometheus import Prometheus, prometheus
from tests.servers.choice import Kafka
from tests.servers.clickhouse import ClickHouseServer

# What Grafana fills in.
FILLED = {"$__rate_interval": "30s", "$job": ".*", "$instance": ".*"}
TRAFFIC_SECONDS = 4
RECORDED = {
    rule["record"]
    for group in yaml.safe_load((DIRECTORY.parents[1] / "recording.yml").read_text())["groups"]
    for rule in group["rules"]
}
# Counted by label only once it happens, which it does not here.
MAY_BE_EMPTY = {
    "eventide_produce_errors_total",
    "eventide_store_errors_total",
    "eventide_registry_errors_total",
    "eventide_write_retries_total",
    "eventide_quota_used_ratio",
    "eventide_quota_refusals_total",
}
FAILURES = re.compile(r'code(=~"5\.\."|="429")')


def queries() -> list[tuple[str, str]]:
    """Where each query stands, and its expression as Grafana sends it."""
    found = []
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                expression = query.expression
                for variable, value in FILLED.items():
                    expression = expression.replace(variable, value)
                found.append((f"{dashboard.name} / {panel.title} / {query.legend}", expression))
    return found


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_a_file_is_what_the_tables_say(dashboard: Dashboard) -> None:
    """``python -m deploy.observe`` writes them anew."""
    assert (DIRECTORY / f"{dashboard.name}.json").read_text() == text(dashboard)


def test_there_is_no_file_of_a_dashboard_that_is_gone() -> None:
    assert {path.stem for path in DIRECTORY.iterdir()} == {dashboard.name for dashboard in DASHBOARDS}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_panels_have_places_of_their_own_and_numbers(dashboard: Dashboard) -> None:
    panels: list[dict[str, Any]] = json.loads(text(dashboard))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["title"] for panel in panels if panel["type"] != "row"}) >= 5


def test_every_series_in_dashboards_exists() -> None:
    named = set().union(*(series_in(expression) for _, expression in queries()))
    assert len(named) > 60
    assert named - known_series() - RECORDED == set()


@pytest.fixture(scope="module")
def scraped(
    kafka: Kafka, clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus that has scraped every tier, with traffic."""
    directory = tmp_path_factory.mktemp("scraped")
    (directory / "up").mkdir()
    with (
        distributed(directory, kafka.bootstrap, clickhouse_server.url) as tiers,
        embedded(directory / "up") as up,
        prometheus(directory, jobs(tiers, up)) as running,
    ):
        use(tiers, TRAFFIC_SECONDS)
        use(up, TRAFFIC_SECONDS)
        until(lambda: bool(running.query("eventide_store_parts")), seconds=30)
        until(lambda: bool(running.query("eventide:freshness_seconds:p99_5m")), seconds=30)
        yield running


def jobs(tiers: Deployment, up: Deployment) -> dict[str, list[str]]:
    """The origins of all processes by tier."""
    return {
        "gateway": [tiers.origins.gateway],
        "worker": [tiers.worker],
        "query": [tiers.origins.query],
        "files": [tiers.files],
        "eventide": [up.origins.gateway],
    }


def use(deployment: Deployment, seconds: float) -> None:
    """Write, read, and be refused, for a while."""
    with Api(deployment.origins, deployment.credentials) as api:
        task, until_when = api.create_task(), time.monotonic() + seconds
        step = 0
        while time.monotonic() < until_when:
            step += 1
            api.add(*one_of_each(task, iter=step))
            api.batch([scalar(task, step, 0.5), {"type": "nothing", "task": task}])
            api.call("events.scalar_metrics_iter_histogram", task=task)
            api.call("events.get_task_log", task=task)
            assert api.fail("events.get_task_log", task="0" * 32)[0] == 400
            time.sleep(0.3)
        api.call("events.delete_for_task", task=task)


@pytest.mark.parametrize("expression", [of for _, of in queries()], ids=[place for place, _ in queries()])
def test_a_query_is_answered(scraped: Prometheus, expression: str) -> None:
    if series_in(expression) & MAY_BE_EMPTY or FAILURES.search(expression):
        scraped.query(expression)
    else:  # rates have values after two scrapes, which a busy machine delays
        until(lambda: scraped.query(expression), seconds=30)


def test_the_processes_declare_whatever_is_asked_for(scraped: Prometheus) -> None:
    named = set().union(*(series_in(expression) for _, expression in queries())) - RECORDED - {"ALERTS"}
    declared = {re.sub(r"_(total|info)$", "", metric) for metric in scraped.metadata()}
    bare = {re.sub(r"_(total|bucket|count|sum|info)$", "", name) for name in named}
    assert bare - declared == set()


def test_every_rule_can_be_computed_and_none_fires_on_a_healthy_deployment(scraped: Prometheus) -> None:
    rules = scraped.rules()
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    ignored = {"EventideDiskFills", "EventideDiskFull", "EventideClickHouseDiskFills", "EventideClickHouseDiskFull"}
    firing = {series["metric"]["alertname"] for series in scraped.query('ALERTS{alertstate="firing"}')}
    assert firing - ignored == set()  # the disk is this machine's
