"""Tasks of many metrics: sections, pins, searches, sizes, and charts that are made as they are seen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.harness.api import Api
from tests.harness.events import scalar
from tests.page import demo
from tests.page.conftest import Open
from tests.page.test_page import HISTOGRAM, NAMELESS, asked

MANY = 10_000
NAMES = [f"{part}/layer {number}" for part in ("train", "val") for number in range(6)]
ALONE = ["epoch", "lone/metric"]


@pytest.fixture(scope="module")
def task(api: Api) -> str:
    made = api.create_task("sections")
    metrics = [*NAMES, *ALONE, ":monitor:gpu"]
    api.add(*(scalar(made, step, float(step), name, "v") for name in metrics for step in range(3)))
    return made


def shown(page: Page) -> list[str]:
    """The charts in the document."""
    return page.locator(".charts .card h3").all_text_contents()


def test_sections_are_folded_and_that_has_an_address(visit: Open, task: str) -> None:
    page = visit(f"#/task/{task}/scalars", height=2400)
    heads = page.locator(".section-head button")
    expect(heads).to_have_text(["Others2", "train6", "val6"])
    expect(page.locator(".charts .card")).to_have_count(14)
    page.get_by_role("button", name="train 6").click()
    expect(page.locator(".charts .card h3")).to_have_text([*ALONE, *NAMES[6:]])
    page.reload()
    expect(page.locator(".charts .card h3")).to_have_text([*ALONE, *NAMES[6:]])
    expect(page.get_by_role("button", name="train 6")).to_have_attribute("aria-expanded", "false")
    assert page.evaluate(NAMELESS) == []


def test_the_resource_monitor_has_a_tab(visit: Open, api: Api) -> None:
    monitored = api.create_task("monitored")
    api.add(*(scalar(monitored, 0, 1.0, name, "v") for name in ("loss", ":monitor:gpu", ":monitor:machine")))
    page = visit(f"#/task/{monitored}/scalars")
    expect(page.locator(".charts .card h3")).to_have_text(["loss"])
    page.get_by_role("tab", name="System").click()
    expect(page.locator(".charts .card h3")).to_have_text([":monitor:gpu", ":monitor:machine"])
    expect(page.locator(".section-head")).to_be_hidden()
    expect(page.locator(".live")).to_be_visible()
    api.add(scalar(monitored, 1, 2.0, ":monitor:gpu", "v"))
    expect(page.get_by_role("article", name=":monitor:gpu").locator(".series .value")).to_have_text("2")


def test_a_comparison_folds_the_resource_monitor(visit: Open, task: str, api: Api) -> None:
    page = visit(f"#/compare/{task}/{api.create_task('other')}", height=2400)
    monitor = page.get_by_role("button", name="Resource monitor")
    expect(monitor).to_have_attribute("aria-expanded", "false")
    monitor.click()
    expect(page.locator(".charts .card h3").last).to_contain_text(":monitor:gpu")


def test_pinned_charts_come_first(visit: Open, task: str) -> None:
    page = visit(f"#/task/{task}/scalars", height=2400)
    page.get_by_role("button", name="Pin: val/layer 3").click()
    expect(page.locator(".section-head button").first).to_have_text("Pinned1")
    expect(page.locator(".charts .card h3").first).to_have_text("val/layer 3")
    page.reload()
    expect(page.locator(".charts .card h3").first).to_have_text("val/layer 3")
    page.get_by_role("button", name="Pin: val/layer 3").click()
    expect(page.locator(".section-head button").first).to_have_text("Others2")


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("layer train", NAMES[:6]),
        ("^VAL [45]$", NAMES[10:]),
        ("lone", ALONE[1:]),
        ("lay(", []),
        ("layer v", NAMES),
    ],
)
def test_charts_are_searched_by_words_and_patterns(visit: Open, task: str, search: str, found: list[str]) -> None:
    page = visit(f"#/task/{task}/scalars", height=2400)
    expect(page.locator(".charts .card")).to_have_count(14)
    page.get_by_label("Filter curves").fill(search)
    expect(page.locator(".charts .card h3")).to_have_text(found)


def test_charts_have_sizes(visit: Open, task: str) -> None:
    page = visit(f"#/task/{task}/scalars")
    chart = page.get_by_role("article", name="epoch")
    expect(chart.locator(".u-over")).to_be_visible()
    widths = []
    for size in ("small", "medium", "large"):
        page.get_by_label("Size of charts").select_option(size)
        box = chart.bounding_box()
        assert box
        widths.append(box["width"])
    assert widths == sorted(set(widths))
    expect(page).to_have_url(re.compile("size=large"))


def test_ten_thousand_metrics_are_read_as_they_are_seen(visit: Open, api: Api) -> None:
    task = api.create_task("ten thousand")
    demo.send(api, (scalar(task, step, float(step), f"layer {n:05}", "g") for n in range(MANY) for step in range(2)))
    page = visit()
    requests = asked(page, HISTOGRAM)
    page.goto(f"{page.url.split('#')[0]}#/task/{task}/scalars")
    for share, name in ((0, "layer 00000"), (0.5, None), (1, f"layer {MANY - 1:05}")):
        page.evaluate("share => scrollTo(0, share * document.body.scrollHeight)", share)
        chart = page.get_by_role("article", name=name) if name else page.locator(".charts .card").nth(10)
        expect(chart.locator(".series .value")).to_have_text("1")
        assert len(shown(page)) < 60
    assert len(requests) >= 3
    assert max(len(request["metrics"]) for request in requests) < 60  # type: ignore[arg-type]
    api.add(scalar(task, 2, 7.0, f"layer {MANY - 1:05}", "g"))
    expect(page.get_by_role("article", name=f"layer {MANY - 1:05}").locator(".series .value")).to_have_text("7")
