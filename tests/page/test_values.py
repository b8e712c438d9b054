"""What the page says of values: the last one, the range of many, every point in a file, and whether more comes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.harness.api import Api
from tests.harness.events import scalar
from tests.page import demo
from tests.page.conftest import Open

MANY = 20_000
LAST = 7.25
PAINTED = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 30) count++;
    return count / (data.length / 4);
}"""


@pytest.fixture(scope="module")
def noisy(api: Api) -> str:
    """A running task with a long curve between 0 and 100 that ends far from the mean of its last points."""
    task = api.create_task("noisy")
    api.call("tasks.started", task=task)
    values = [100.0 * (step % 2) for step in range(MANY - 1)] + [LAST]
    demo.send(api, (scalar(task, step, value, "loss", "train") for step, value in enumerate(values)))
    return task


def painted(page: Page) -> float:
    """Which part of the chart is covered."""
    canvas = page.get_by_role("article", name="loss").locator("canvas")
    expect(canvas).to_be_visible()
    page.wait_for_function(f"({PAINTED})(document.querySelector('article canvas')) > 0.05")
    return float(canvas.evaluate(PAINTED))


def test_the_latest_value_is_the_last_one_and_not_a_mean(visit: Open, noisy: str) -> None:
    page = visit(f"#/task/{noisy}/scalars")
    series = page.locator(".series", has_text="train")
    expect(series.locator(".value")).to_have_text(str(LAST))
    expect(series).to_have_attribute("title", re.compile(f"latest {LAST}, from 0 to 100"))
    expect(page.get_by_role("img", name=re.compile("^loss"))).to_have_attribute(
        "aria-label", re.compile(f"latest {LAST}")
    )


def test_in_a_comparison_too(visit: Open, api: Api, noisy: str) -> None:
    page = visit(f"#/compare/{noisy}/{api.create_task('empty')}")
    expect(page.get_by_role("article").locator(".series .value")).to_have_text(str(LAST))


def test_smoothing_keeps_the_band(visit: Open, noisy: str) -> None:
    assert painted(visit(f"#/task/{noisy}/scalars")) > 0.5
    assert painted(visit(f"#/task/{noisy}/scalars?smooth=0.9")) > 0.5


def test_a_file_of_a_range_has_every_point_of_it(visit: Open, noisy: str) -> None:
    page = visit(f"#/task/{noisy}/scalars?full=loss&range=1000~2999")
    dialog = page.get_by_role("dialog", name="loss")
    with page.expect_download() as table:
        dialog.get_by_role("button", name="CSV").click()
    lines = Path(table.value.path()).read_text().splitlines()
    assert lines[0] == "metric,variant,iteration,value"
    assert lines[1:] == [f"loss,train,{step},{100 * (step % 2)}" for step in range(1000, 3000)]


def test_a_file_of_a_comparison_names_the_tasks(visit: Open, api: Api) -> None:
    first, second = (api.create_task(name) for name in ("=one", "two"))
    api.add(scalar(first, 3, 0.5, "a", "b/c"), scalar(second, 4, 1.5, "a", "b/c"))
    page = visit(f"#/compare/{first}/{second}")
    page.get_by_role("button", name="Full screen: a › b/c").click()
    with page.expect_download() as table:
        page.get_by_role("dialog").get_by_role("button", name="CSV").click()
    assert Path(table.value.path()).read_text().splitlines() == [
        "task,name,metric,variant,iteration,value",
        f"{first},'=one,a,b/c,3,0.5",
        f"{second},two,a,b/c,4,1.5",
    ]


def test_what_is_finished_is_not_live(visit: Open, api: Api) -> None:
    task = api.create_task("soon finished")
    api.call("tasks.started", task=task)
    api.add(scalar(task, 0, 1.0, "loss", "train"))
    page = visit(f"#/task/{task}/scalars")
    expect(page.locator(".live")).to_be_visible()
    api.call("tasks.completed", task=task, force=True)
    expect(page.locator(".live")).to_be_hidden()  # within the time after which the head is read again
    page.goto(f"{page.url.split('#')[0]}#/compare/{task}")
    expect(page.get_by_role("article", name="loss")).to_be_visible()
    expect(page.locator(".live")).to_be_hidden()
