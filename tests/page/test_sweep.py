"""A sweep at a glance: scatter, parallel coordinates with brushes, rank correlations."""

from __future__ import annotations

import random
import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.harness.api import Api
from tests.harness.events import scalar
from tests.page.conftest import Open
from tests.page.test_differences import parameters

SPEARMAN = """async pairs => {
    const { spearman } = await import("/page/ranks.js");
    return pairs.map(([one, other]) => spearman(one, other));
}"""
BRUSH = "([place, index, range]) => Plotly.restyle(place, {[`dimensions[${index}].constraintrange`]: [range]})"
GRID = tuple(product((0.001, 0.01, 0.1), (32, 64)))


@pytest.fixture(scope="module")
def sweep(api: Api) -> list[str]:
    """Six tasks whose loss falls with the learning rate, and does not change with the width; the last has no width."""
    tasks = []
    for number, (rate, width) in enumerate(GRID):
        given = {"lr": str(rate), "optimizer": "adam" if number % 2 else "sgd"}
        task = api.create_task(
            f"grid {number}", hyperparams=parameters(**given, **({"width": width} if number else {}))
        )
        api.add(*(scalar(task, step, 1 / rate + step, "loss", "train") for step in range(3)))
        tasks.append(task)
    return tasks


def opened(visit: Open, sweep: list[str], **options: Any) -> Page:
    page = visit(f"#/compare/{'/'.join(sweep)}?sweep=1&hide={sweep[1]}", **options)
    expect(page.locator(".sweep .js-plotly-plot")).to_have_count(2)
    expect(page.locator(".sweep .parcoords")).to_have_count(1)
    return page


def test_parameters_go_with_metrics(visit: Open, sweep: list[str]) -> None:
    page = opened(visit, sweep)
    rows = page.locator(".sweep tbody tr")
    expect(rows.first).to_have_text("Args/lr−16".replace("−", "-"))
    expect(rows.filter(has_text="Args/optimizer")).to_contain_text("–6")  # words have no ranks
    expect(rows.filter(has_text="Args/width")).to_contain_text("5")
    expect(page.locator(".sweep")).to_contain_text("Spearman's rank correlation of each numeric hyper-parameter")
    expect(page.locator(".sweep")).to_contain_text("1 of 6 tasks have no value on some axis")
    page.get_by_label("Metric", exact=True).select_option("loss / train (min)")
    page.get_by_label("Against").select_option("Args/optimizer")
    expect(page).to_have_url(re.compile(r"sy=loss.*min.*sx=Args%2Foptimizer"))
    expect(page.locator(".sweep .xaxislayer-above")).to_contain_text("sgd")
    expect(page.locator(".sweep .ytitle")).to_have_text("loss / train (min)")
    page.locator(".sweep .axes summary").click()
    page.locator(".sweep .axes").get_by_label("Args/width").uncheck()
    expect(page.locator(".sweep .parcoords .axis-title", has_text="Args/width")).to_have_count(0)
    expect(page.get_by_text("have no value on some axis")).to_have_count(0)
    page.reload()
    expect(page.locator(".sweep .parcoords .axis-title")).to_have_text(
        ["Args/lr (log)", "Args/optimizer", re.compile("min")]
    )


def test_brushed_tasks_are_shown_alone(visit: Open, sweep: list[str]) -> None:
    page = opened(visit, sweep)
    place = page.locator(".sweep .js-plotly-plot").nth(1).element_handle()
    page.evaluate(BRUSH, [place, 0, [-1.5, 0]])  # powers of ten: only a rate of 0.1
    expect(page.get_by_text("2 of 6 tasks are in the brushes.")).to_be_visible()
    page.get_by_role("button", name="Show only these 2 in the charts").click()
    expect(page.locator(".compared .series[aria-pressed=true] .name")).to_have_text(["grid 4", "grid 5"])


def test_correlations_are_those_of_ranks(visit: Open) -> None:
    noise = random.Random(5)
    pairs = [[[noise.randrange(9) + 0.5 for _ in range(30)] for _ in range(2)] for _ in range(5)]
    found = visit().evaluate(SPEARMAN, [*pairs, [[1, 2, 3], [7, 7, 7]], [[1, 2], [1, 2]]])
    assert found[5:] == [None, None]
    assert found[:5] == pytest.approx([reference(*map(np.array, pair)) for pair in pairs])


def reference(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of ranks, of which equal values have the mean."""
    ranks = [(v[:, None] > v).sum(1) + ((v[:, None] == v).sum(1) + 1) / 2 for v in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])
