"""Reading a comparison: the curve at the cursor stands out everywhere, and outliers do not flatten the others."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.harness.api import Api
from tests.harness.events import scalar
from tests.page.conftest import Open

CLIPPED = """async all => {
    const { clipped } = await import("/page/clipping.js");
    return all.map(clipped);
}"""


@pytest.fixture(scope="module")
def runs(api: Api) -> list[str]:
    """Two level runs and one that diverges; each in two charts."""
    tasks = [api.create_task(name) for name in ("low", "high", "diverged")]
    for number, task in enumerate(tasks):
        levels = [1.0 + number] * 100 if number < 2 else [1.5 * 1.5**step for step in range(100)]
        api.add(*(scalar(task, n, level, m, "v") for n, level in enumerate(levels) for m in ("first", "second")))
    return tasks


def canvas(name: str) -> str:
    return f"article[aria-label^={name}] .canvas"


def test_the_curve_at_the_cursor_stands_out_in_all_charts(visit: Open, runs: list[str]) -> None:
    page = visit(f"#/compare/{'/'.join(runs[:2])}")
    over = page.locator(f"{canvas('first')} .u-over")
    box = over.bounding_box()
    assert box
    for share, task in ((0.94, runs[0]), (0.06, runs[1])):  # values from 0.94 to 2.06 are seen
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * share)
        for name in ("first", "second"):
            expect(page.locator(canvas(name))).to_have_attribute("data-nearest", task)
    expect(page.locator("article .is-nearest .name")).to_have_text(["high", "high"])
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("article .is-nearest")).to_have_count(0)


def test_a_diverged_run_is_clipped(visit: Open, runs: list[str]) -> None:
    page = visit(f"#/compare/{'/'.join(runs)}")
    told = page.get_by_text("Clipped: diverged reach beyond what is shown.")
    expect(page.locator("article .u-over")).to_have_count(2)
    expect(told).to_have_count(0)
    page.get_by_role("button", name="clip outliers").click()
    expect(told).to_have_count(2)
    expect(page).to_have_url(re.compile("clip=1"))
    page.reload()
    expect(told).to_have_count(2)
    page.locator(".compared .series", has_text="diverged").click()
    expect(told).to_have_count(0)


def test_ranges_without_outliers(visit: Open) -> None:
    level = [[float(n)] * 50 for n in (1, 5, 10)]
    falling = [2.0 - n / 100 for n in range(200)]
    found = visit().evaluate(
        CLIPPED,
        [
            [*level],  # all are seen, however level
            [*level[:2], [1e6] * 50],
            [[1.0] * 50, [10 + n / 1e4 for n in range(50)]],  # of two neither, if they are but apart
            [falling, [n * 1e3 for n in range(200)]],  # of two the narrower
            [[*falling, 1e9]],  # a spike of one curve
            [[None, 3.0], []],
            [],
        ],
    )
    assert found[:2] == [[1, 10], [1, 5]]
    assert found[2] == pytest.approx([1, 10], abs=0.01)
    assert found[3:5] == pytest.approx(np.array([[0, 2], [0, 2]]), abs=0.05)
    assert found[5:] == [[3, 3], None]
