"""The list of tasks as a table: filters with completion, columns of choice, sorting, and very many rows."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.harness.api import Api
from tests.harness.deployment import Deployment
from tests.page.conftest import Open, data_of
from tests.page.firefox import PROGRAM, firefox
from tests.page.test_page import NAMELESS, scalar

MANY = 100_000
LOSSES = {"adam": 0.25, "sgd": 0.5, "lion": 0.125}
RATES = {"adam": "0.1", "sgd": "0.01", "lion": "0.1"}


@pytest.fixture(scope="module")
def sweep(api: Api) -> Iterator[str]:
    """The id of a project of three tasks."""
    project = str(api.call("projects.create", name=f"sweep {secrets.token_hex(4)}")["id"])
    made = []
    for name, loss in LOSSES.items():
        item = {"section": "Args", "name": "lr", "value": RATES[name]}
        tags = ["baseline"] if name == "sgd" else []
        made.append(api.create_task(name, project=project, tags=tags, hyperparams={"Args": {"lr": item}}))
        api.add(*(scalar(made[-1], step, value, variant="val") for step, value in enumerate((1.0, loss))))
    yield project
    api.call("tasks.delete_many", ids=made, force=True)


def at(project: str, **params: str) -> str:
    return f"#/tasks?project={project}" + "".join(f"&{name}={value}" for name, value in params.items())


def test_filters_are_completed_by_keyboard(visit: Open, sweep: str) -> None:
    page = visit(at(sweep))
    field = page.get_by_role("combobox", name="Search tasks")
    field.press_sequentially("loss.v")
    option = page.get_by_role("option", name="loss.val Metrics", exact=True)
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", option.get_attribute("id") or "")
    page.keyboard.press("Enter")
    expect(field).to_have_value("loss.val ")
    field.press_sequentially("< 0.4 ")
    expect(page.locator(".tasks tbody tr")).to_have_count(2)
    expect(page.locator(".count")).to_have_text("2 tasks")
    field.press_sequentially("or tag = ba")
    page.get_by_role("option", name="baseline").click()
    expect(page.locator(".tasks tbody tr")).to_have_count(3)
    expect(page).to_have_url(re.compile("q=loss.val"))
    page.reload()
    expect(page.locator(".tasks tbody tr")).to_have_count(3)


def test_a_filter_that_cannot_be_read_says_where(browser: Browser, eventide: Deployment, api: Api, sweep: str) -> None:
    page = browser.new_page()  # not by ``visit``, to which an answer of 400 is a fault
    cookie = {"name": "clearml_token_basic", "value": api.token, "url": eventide.origins.query}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(f"{eventide.origins.query}/{at(sweep)}")
    expect(page.locator(".tasks tbody tr")).to_have_count(3)
    with page.expect_response("**/tasks.get_table"):
        page.get_by_label("Search tasks").fill("adam or sgd and")
    expect(page.get_by_role("alert")).to_contain_text("character 16: a word, a comparison or a parenthesis is expected")
    expect(page.locator(".tasks tbody tr")).to_have_count(3)  # what was found before stays
    page.get_by_label("Search tasks").fill("adam or sgd")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".tasks tbody tr")).to_have_count(2)
    page.context.close()


def test_columns_are_chosen_sorted_and_have_an_address(visit: Open, sweep: str) -> None:
    page = visit(at(sweep))
    page.get_by_role("button", name="Columns").click()
    dialog = page.get_by_role("dialog", name="Columns")
    dialog.get_by_label("Search columns").fill("val")
    dialog.get_by_label("loss / val", exact=True).check()
    dialog.get_by_label("loss / val (max)").check()
    dialog.get_by_label("Search columns").fill("lr")
    dialog.get_by_label("Args / lr").check()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    for click, order in ((1, ["lion", "adam", "sgd"]), (2, ["sgd", "adam", "lion"])):
        page.get_by_role("columnheader", name="loss / val", exact=True).get_by_role("button").click()
        expect(page.locator(".tasks .name a")).to_have_text(order)
        direction = "ascending" if click == 1 else "descending"
        expect(page.locator(f"th[aria-sort={direction}]")).to_contain_text("loss / val")
    page.reload()
    expect(page.locator(".tasks .name a")).to_have_text(["sgd", "adam", "lion"])
    expect(page.locator(".tasks tbody tr").first).to_contain_text("0.5")
    expect(page.locator(".tasks tbody tr").first).to_contain_text("0.01")
    assert page.locator(".tasks thead th").count() == 8


def test_a_value_in_a_cell_tells_the_double_that_was_reported(visit: Open, api: Api, sweep: str) -> None:
    task = api.create_task("third", project=sweep)
    api.add(scalar(task, 0, 1.0 / 3.0, variant="val"))
    page = visit(at(sweep, q="third", col="loss.val"))
    expect(page.locator(".tasks td.number")).to_have_attribute("title", str(1.0 / 3.0))
    page.close()
    api.call("tasks.delete", task=task, force=True)


def many(route: Route) -> None:
    """Answer as a server with MANY tasks would."""
    wish = data_of(route.request.post_data)
    offset, limit = int(str(wish["offset"])), int(str(wish["limit"]))
    values: list[object] = ["created", None, [], "2026-01-01T00:00:00+00:00", 7]
    places = range(offset, min(MANY, offset + limit))
    found = [{"id": f"{place:032x}", "values": [f"task {place}", *values]} for place in places]
    route.fulfill(json={"meta": {"result_code": 200}, "data": {"total": MANY, "tasks": found}})


def test_a_hundred_thousand_tasks_are_scrolled_through(visit: Open) -> None:
    page = visit()
    page.route("**/tasks.get_table", many)
    page.route("**/events.stream*", lambda route: route.fulfill(content_type="text/event-stream", body=": none\n\n"))
    page.goto(page.url.split("#")[0] + "#/tasks?col=iteration")
    expect(page.locator(".count")).to_have_text("100,000 tasks")
    region = page.get_by_role("region", name="Tasks")
    for share, name in ((0.5, "task 50000"), (1, "task 99999"), (0, "task 0")):
        region.evaluate("(e, share) => { e.scrollTop = share * e.scrollHeight }", share)
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        assert page.locator(".tasks tbody tr").count() < 80
    region.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("link", name="task 99999", exact=True)).to_be_visible()
    assert page.evaluate(NAMELESS) == []
    assert page.locator("table.tasks").get_attribute("aria-rowcount") == str(MANY + 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_and_sorts_the_same(visit: Open, sweep: str, scheme: str) -> None:
    page = visit(at(sweep, col="loss.val"), width=390, height=844, scheme=scheme)
    page.get_by_label("Sort by").select_option("-loss.val")
    expect(page.locator(".tasks .name a")).to_have_text(["sgd", "adam", "lion"])
    expect(page.locator(".tasks td.value").first).to_have_attribute("data-label", "loss / val")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


@pytest.mark.skipif(not PROGRAM, reason="there is no Firefox (EVENTIDE_TEST_FIREFOX names one)")
def test_firefox_filters_and_scrolls(tmp_path: Path, eventide: Deployment, sweep: str) -> None:
    keys = eventide.credentials
    with firefox(tmp_path) as window:
        window.open(f"{eventide.origins.query}/#login={keys.access_key}:{keys.secret_key}")
        window.until('document.querySelector(".user")?.textContent')
        filtered = at(sweep, q="lr%20in%20(0.1)%20and%20loss.val%20%3C%200.4", col="loss.val", sort="loss.val")
        window.open(f"{eventide.origins.query}/{filtered}")
        window.until('document.querySelectorAll(".tasks tbody .number").length === 2')
        names = '[...document.querySelectorAll(".tasks tbody .name a")].map(link => link.textContent).join()'
        assert window.until(names) == "lion,adam"
        assert window.until('document.querySelector(".count").textContent') == "2 tasks"
        field = 'document.querySelector("[role=combobox]")'
        window.run(f'const f = {field}; f.focus(); f.value = "tag = b"; f.dispatchEvent(new Event("input"))')
        assert window.until('document.querySelector("[role=option]")?.textContent') == "baseline"
        window.until(f'{names} === "sgd" || {names} === ""')
