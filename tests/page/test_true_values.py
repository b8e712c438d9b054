"""Values that can be trusted: the stored double at the cursor and in tables, one last value, and what is missing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.harness.api import Api
from tests.harness.events import scalar
from tests.page import demo
from tests.page.conftest import Open

STEPS = 5000
THIRD = 1.0 / 3.0


@pytest.fixture(scope="module")
def long(api: Api) -> str:
    """A curve of many points a pixel, each of which its step tells; the last written lies before the last step."""
    task = api.create_task("true values")
    demo.send(api, (scalar(task, step, step + 0.1, "loss", "train") for step in range(STEPS)))
    api.add(scalar(task, STEPS - 10, THIRD, "loss", "train"))
    return task


def test_the_last_value_is_one_wherever_it_is_told(visit: Open, api: Api, long: str) -> None:
    page = visit(f"#/tasks?q={long}&col=loss.train&col=latest")
    expect(page.locator(".tasks td.number")).to_have_attribute("title", str(THIRD))
    expect(page.locator(".latest .value")).to_have_attribute("title", str(THIRD))
    for address in (f"task/{long}/scalars", f"task/{long}/scalars?full=loss", f"compare/{long}?table=1"):
        page.goto(f"{page.url.split('#')[0]}#/{address}")
        values = page.locator(".series .value")
        expect(values.last).to_have_text("0.3333")
        expect(values.last).to_have_attribute("title", str(THIRD))
    expect(page.locator(".values td.number").first).to_have_attribute("title", str(THIRD))


@pytest.mark.parametrize("view", ["task/{}/scalars", "compare/{}"])
def test_the_cursor_tells_the_stored_value_and_no_mean(visit: Open, long: str, view: str) -> None:
    page = visit(f"#/{view.format(long)}")
    canvas = page.get_by_role("img", name=re.compile("^loss"))
    expect(page.locator(".series .value")).to_have_text("0.3333")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(canvas).to_have_attribute("data-exact", re.compile(r"\d+"))
    step = int(canvas.get_attribute("data-exact") or "")
    assert step > STEPS / 3
    expect(page.locator(".series .value")).to_have_attribute("title", str(step + 0.1))


def test_points_that_were_refused_are_told(visit: Open, api: Api) -> None:
    task = api.create_task("diverged")
    page = visit(f"#/task/{task}/scalars")
    expect(page.get_by_text("No scalars yet")).to_be_visible()
    api.batch([scalar(task, step, 1e39 if step > 5 else 1.0, "loss", "train") for step in range(10)])
    told = page.locator(".head").get_by_role("alert")
    expect(told).to_have_text(re.compile(r"4 events were refused and are missing here: Invalid value.* \(4\)"))


def test_a_task_that_was_never_started_is_not_live_for_ever(visit: Open, api: Api, long: str) -> None:
    page = visit()
    states = page.evaluate("""async () => {
        const { Liveness } = await import("./page/live.js");
        const element = document.createElement("span"), liveness = new Liveness(element);
        liveness.connect(true);
        const ago = (ms) => new Date(Date.now() - ms).toISOString();
        const tasks = [["in_progress", ago(3e6)], ["created", ago(0)], ["created", ago(3e6)], ["failed", ago(0)]];
        return tasks.map(([status, updated]) => (liveness.tell([{ status, updated }]), !element.hidden));
    }""")
    assert states == [True, True, False, False]
