"""Addresses that others print lead to the page, and what leads nowhere says so on a page."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from tests.harness.api import Api, Origins
from tests.harness.deployment import Deployment
from tests.harness.events import log
from tests.harness.plain import plain_client
from tests.page.conftest import Open


@pytest.mark.parametrize("kind", ["experiments", "tasks"])
def test_the_link_that_the_sdk_prints_leads_to_the_console(
    visit: Open, api: Api, eventide: Deployment, kind: str
) -> None:
    task = api.create_task("linked")
    api.add(log(task, "a line of the linked task"))
    page = visit("")
    page.goto(f"{eventide.origins.query}/projects/{'0' * 32}/{kind}/{task}/output/log")
    expect(page.get_by_role("log", name="Console")).to_contain_text("a line of the linked task")
    expect(page).to_have_url(f"{eventide.origins.query}/#/task/{task}/console")


def test_a_comparison_of_the_web_app_is_one_here(visit: Open, api: Api, eventide: Deployment) -> None:
    tasks = [api.create_task(name) for name in ("one", "two")]
    page = visit("")
    page.goto(f"{eventide.origins.query}/projects/*/compare-tasks;ids={','.join(tasks)}/scalars/graph")
    expect(page.get_by_role("heading", name="Compare 2 tasks")).to_be_visible()


@pytest.mark.parametrize("path", ["nothing", "v2.34/nothing.here", "projectz/a/tasks/b"])
def test_what_leads_nowhere_says_so_on_a_page(visit: Open, eventide: Deployment, path: str) -> None:
    page = visit("")
    page.on("console", lambda message: None)
    answer = page.request.get(f"{eventide.origins.query}/{path}", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "To the start" in answer.text()


CODES = {"/nothing": 400, "/projects/p/tasks/t/output/log": 400, "/v2.34/tasks.nothing": 404}


def test_programs_get_json_still(eventide: Deployment) -> None:
    with plain_client(base_url=eventide.origins.query) as client:
        for path, code in CODES.items():
            found: httpx.Response = client.get(path, headers={"Accept": "*/*"})
            assert (found.status_code, found.headers["Content-Type"]) == (code, "application/json")


def test_each_tier_says_so(eventide: Deployment) -> None:
    for origin in Origins.all(eventide.origins):
        with plain_client(base_url=origin, headers={"Accept": "text/html"}) as client:
            assert client.get("/nothing").headers["Content-Type"] == "text/html; charset=utf-8"
