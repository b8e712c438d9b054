"""Comparisons that are read: sorted by value, some or one shown, axes of one's choice, up to a hundred tasks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.harness.api import Api, Data, until
from tests.harness.events import scalar
from tests.page import demo
from tests.page.conftest import Open
from tests.page.test_page import NAMELESS, drawn_texts

TASKS = 100
ORDER = """() => [...document.querySelectorAll("article .legend li")].sort((a, b) => a.style.order - b.style.order)
    .map(li => li.querySelector(".name").textContent)"""


@pytest.fixture(scope="module")
def three(api: Api) -> list[str]:
    """Curves that cross: the first ends lowest and begins highest."""
    tasks = [api.create_task(name) for name in ("falls", "stays", "rises")]
    for task, slope in zip(tasks, (-1.0, 0.0, 1.0), strict=True):
        api.add(*(scalar(task, step, 500 + slope * (step - 500), "loss", "train") for step in range(0, 1001, 10)))
    return tasks


def order(page: Page) -> list[str]:
    """The legend, as it is seen."""
    found: list[str] = page.evaluate(ORDER)
    return found


def test_the_legend_is_sorted_by_value_at_the_cursor(visit: Open, three: list[str]) -> None:
    page = visit(f"#/compare/{'/'.join(three)}")
    canvas = page.get_by_role("img", name=re.compile("^loss"))
    expect(page.locator("article .series .value").last).to_have_text("1,000")
    until(lambda: order(page) == ["rises", "stays", "falls"])
    box = canvas.locator(".u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 40)
    until(lambda: order(page) == ["falls", "stays", "rises"])
    page.mouse.move(5, 5)
    until(lambda: order(page) == ["rises", "stays", "falls"])


def test_one_is_hidden_or_shown_alone(visit: Open, three: list[str]) -> None:
    page = visit(f"#/compare/{'/'.join(three)}")
    pressed = page.locator("article .series[aria-pressed=true] .name")
    expect(pressed).to_have_count(3)
    page.get_by_role("article").get_by_role("button", name="stays").click()
    expect(pressed).to_have_text(["falls", "rises"])
    expect(page.locator(".compared .series", has_text="stays")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Only rises").click()
    expect(pressed).to_have_text(["rises"])
    page.reload()
    expect(pressed).to_have_text(["rises"])
    page.get_by_role("article").get_by_role("button", name="rises").click(modifiers=["Shift"])
    expect(pressed).to_have_count(3)
    assert page.evaluate(NAMELESS) == []


def test_axes_are_chosen_and_have_an_address(visit: Open, api: Api) -> None:
    task = api.create_task("axes of one's choice")
    api.add(*(scalar(task, step, float(step % 7), "loss", "train") for step in range(3000)))
    page = visit(f"#/task/{task}/scalars")
    page.get_by_role("button", name="log x").click()
    expect(page.get_by_text("what was reported at or before 0")).to_be_visible()
    page.get_by_role("button", name="Full screen: loss").click()
    dialog = page.get_by_role("dialog", name="loss")
    dialog.get_by_label("Lowest value").fill("2")
    dialog.get_by_label("Highest value").fill("3")
    expect(page).to_have_url(re.compile(r"y=loss%7E2%7E3"))
    texts = drawn_texts(page)  # of a new visit
    assert {"10", "100", "1,000", "2.4", "3"} <= set(texts), texts
    assert "6" not in texts
    expect(page.get_by_role("dialog").get_by_label("Lowest value")).to_have_value("2")


def hundred(task: str, number: int) -> list[Data]:
    return [scalar(task, step, number + step / 10, "loss", "train") for step in range(5)]


def test_a_hundred_tasks_are_told_apart(visit: Open, api: Api) -> None:
    tasks = [api.create_task(f"run {number:03}") for number in range(TASKS)]
    demo.send(api, (event for number, task in enumerate(tasks) for event in hundred(task, number)))
    missing = "f" * 32
    page = visit(f"#/compare/{'/'.join([*tasks[:50], missing, *tasks[50:-1]])}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Compare {TASKS - 1} tasks")
    expect(page.get_by_role("alert")).to_have_text(f"There is no task {missing}.")
    expect(page.locator("article .series")).to_have_count(TASKS - 1)
    until(lambda: order(page)[:2] == ["run 098", "run 097"])
    looks = page.locator(".compared .swatch").evaluate_all("all => all.map(e => e.getAttribute('style') + e.className)")
    assert len(set(looks)) == TASKS - 1  # colours, and beyond twelve of them dashes
