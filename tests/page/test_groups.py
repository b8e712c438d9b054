"""Seeds and sweeps: compared tasks in groups, a mean with a band for each."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, expect

from tests.harness.api import Api
from tests.harness.events import scalar
from tests.page.conftest import Open, data_of
from tests.page.test_differences import parameters

RATES = {"0.1": (1.0, 3.0), "0.01": (10.0, 30.0)}


@pytest.fixture(scope="module")
def sweep(api: Api) -> list[str]:
    """Two seeds of each of two learning rates, with two metrics that are constant."""
    tasks = []
    for rate, levels in RATES.items():
        for seed, level in enumerate(levels):
            task = api.create_task(f"{rate} seed {seed}", hyperparams=parameters(lr=rate, seed=str(seed)), tags=["new"])
            api.add(*(scalar(task, step, level, metric, "train") for step in range(50) for metric in ("loss", "other")))
            tasks.append(task)
    return tasks


def grouped(visit: Open, sweep: list[str], more: str = "") -> Page:
    return visit(f"#/compare/{'/'.join(sweep)}?group=Args/lr{more}")


def names(page: Page, chart: str = "loss") -> dict[str, str]:
    """The values of a chart's legend, by name."""
    items = page.get_by_role("article", name=re.compile(f"^{chart}")).locator(".series")
    found: list[list[str]] = items.evaluate_all(
        "all => all.map(e => [e.querySelector('.name').textContent, e.querySelector('.value').textContent])"
    )
    return {name: value for name, value in found}


def test_tasks_are_grouped_by_a_hyper_parameter(visit: Open, sweep: list[str]) -> None:
    page = visit(f"#/compare/{'/'.join(sweep)}")
    choice = page.get_by_label("Group by")
    expect(choice.locator("option")).to_have_text(["Nothing", "Args/lr", "Args/seed"])  # tags and user are the same
    choice.select_option("Args/lr")
    expect(page).to_have_url(re.compile("group=Args%2Flr"))
    expect(page.locator("article .series")).to_have_count(4)
    expect(choice).to_be_focused()
    assert names(page) == {"lr 0.01 (2)": "20", "lr 0.1 (2)": "2"}
    page.reload()
    expect(page.locator("article .series")).to_have_count(4)
    looks = page.locator(".compared .swatch").evaluate_all("all => all.map(each => each.getAttribute('style'))")
    assert looks[0] == looks[1] != looks[2] == looks[3]  # a task has the colour of its group


@pytest.mark.parametrize(
    ("kind", "ends"), [("std", "from 10 to 30"), ("minmax", "from 10 to 30"), ("quartiles", "from 15 to 25")]
)
def test_the_band_is_chosen(visit: Open, sweep: list[str], kind: str, ends: str) -> None:
    page = grouped(visit, sweep)
    page.get_by_label("Band").select_option(kind)
    article = page.get_by_role("article", name=re.compile("^loss"))
    expect(article.get_by_role("img")).to_have_attribute("aria-label", re.compile(rf"lr 0.01 \(2\): latest 20, {ends}"))


def test_a_chart_is_one_request_and_leaves_hidden_tasks_out(visit: Open, sweep: list[str]) -> None:
    page = visit("#/tasks")
    asked: list[dict[str, object]] = []

    def hear(request: Request) -> None:
        if "scalar_metrics_bands" in request.url:
            asked.append(data_of(request.post_data))
        assert "multi_task_scalar" not in request.url

    page.on("request", hear)
    page.goto(f"{page.url.split('#')[0]}#/compare/{'/'.join(sweep)}?group=Args/lr")
    expect(page.locator("article .series")).to_have_count(4)
    assert {str(body["metric"]) for body in asked} == {"loss", "other"}
    assert all(body["groups"] == [sweep[2:], sweep[:2]] for body in asked), asked
    page.locator(".compared .series", has_text="0.01 seed 1").click()
    expect(page.get_by_role("article", name=re.compile("^loss")).locator(".series .value").first).to_have_text("10")
    assert asked[-1]["groups"] == [[sweep[2]], sweep[:2]]
    page.get_by_role("article", name=re.compile("^loss")).get_by_role("button", name="lr 0.01").click()
    expect(page).to_have_url(re.compile("hidegroup=0.01"))
