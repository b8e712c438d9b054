"""Addresses of the ClearML web application on Eventide's page."""

from __future__ import annotations

import pytest

from schema.http.app_addresses import page_address

TASK = "#/task/t1"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/projects/p/experiments/t1/output/log", f"{TASK}/console"),
        ("/projects/p/tasks/t1/output/log", f"{TASK}/console"),
        ("/projects/*/tasks/t1/output/log", f"{TASK}/console"),
        ("/projects/p/tasks/t1/output/metrics/scalar", f"{TASK}/scalars"),
        ("/projects/p/experiments/t1/output/metrics/plots", f"{TASK}/plots"),
        ("/projects/p/experiments/t1/output/debugImages", f"{TASK}/images"),
        ("/projects/p/tasks/t1/debug-images", f"{TASK}/images"),
        ("/projects/p/tasks/t1/execution", f"{TASK}/info"),
        ("/projects/p/tasks/t1/hyper-params/hyper-param/Args", f"{TASK}/info"),
        ("/projects/p/tasks/t1/artifacts/input-model/m", f"{TASK}/info"),
        ("/projects/p/tasks/t1", f"{TASK}/scalars"),
        ("/datasets/simple/p/experiments/t1", f"{TASK}/scalars"),
        ("/pipelines/p/tasks/t1/info", f"{TASK}/info"),
        ("/reports/p/t1", f"{TASK}/scalars"),
        ("/projects/p/tasks/a%2Fb%3F/output/log", "#/task/a%2Fb%3F/console"),
        ("/projects/*/compare-tasks;ids=t1,t2/scalars/graph", "#/compare/t1/t2"),
        ("/projects/p/compare-experiments;ids=t1%2Ct2/details", "#/compare/t1/t2"),
        ("/projects/p/tasks", "#/tasks?project=p"),
        ("/projects/p/overview", "#/tasks?project=p"),
        ("/projects/p/models/m1/general", "#/tasks?project=p"),
        ("/projects/*/tasks", "#/tasks"),
        ("/projects", "#/tasks"),
        ("/dashboard", "#/tasks"),
        ("/login", "#/tasks"),
        ("/settings/workspace-configuration", "#/tasks"),
        ("/workers-and-queues/queues", "#/tasks"),
        ("/nothing", None),
        ("/projectsx/p/tasks/t1", None),
        ("/v2.34/tasks.get_all", None),
        ("/", None),
    ],
)
def test_every_address_has_its_page(path: str, address: str | None) -> None:
    assert page_address(path) == address
