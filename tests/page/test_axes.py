"""Axes of the page's charts: labels that differ and have room, logarithms of anything, times that are no dates."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from itertools import groupby, pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.harness.api import Api, until
from tests.page.conftest import Open

STEPS = range(50)
VALUES: dict[str, Callable[[int], float]] = {
    "close together": lambda n: 5.54501 + n * 1e-6,
    "large and close": lambda n: 16_777_200 + n * 4,
    "small": lambda n: 10.0 ** (-23 - n / 10),
    "large": lambda n: 1e36 * n,
    "constant": lambda n: 0.1,
    "zeros": lambda n: 0.0,
    "negative": lambda n: -1.0 * n,
    "on both sides": lambda n: n - 20.0,
    "falling": lambda n: 2.3 / (n + 1),
}
KEEP_TEXTS = """
window.texts = new Map();
const { clearRect, fillText } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.clearRect = function (...place) {
    window.texts.set(this.canvas, []);
    return clearRect.apply(this, place);
};
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    const width = this.measureText(text).width;
    const left = { right: x - width, center: x - width / 2 }[this.textAlign] ?? x;
    const moved = this.getTransform().e;
    const place = { left: left + moved, right: left + width + moved, y };
    window.texts.get(this.canvas)?.push({ text, align: this.textAlign, ...place });
    return fillText.apply(this, arguments);
};
"""
DRAWN = """
() => [...window.texts].filter(([canvas]) => canvas.isConnected).map(([canvas, texts]) => ({
    name: canvas.closest("article").ariaLabel, width: canvas.width, texts,
}))
"""
RANGES = """
async () => {
    const ticks = await import("/page/ticks.js");
    const found = [];
    const check = (name, low, high) => {
        const made = ticks[name](low, high, 6);
        const labels = made.map(({ label }) => label);
        const edge = (high - low) / 1e3;
        const isOutside = made.some(({ at }) => !(at >= low - edge && at <= high + edge));
        const areAlike = new Set(labels).size < labels.length;
        if (areAlike || labels.length > 14 || isOutside) found.push([name, low, high, labels.slice(0, 20)]);
    };
    const each = (from, to, step, call) => { for (let n = from; n <= to; n += step) call(n); };
    each(-44, 38, 1, (power) => each(-12, 2, 1, (spread) => {
        for (const digit of [0, 1, 1.7, 9.99, -3]) {
            const [low, high] = [digit * 10 ** power, digit * 10 ** power + 10 ** (power + spread)];
            const names = power > 0 && power < 18 ? ["linear", "iterations", "durations"] : ["linear"];
            for (const name of names) check(name, low, high);
        }
    }));
    each(-300, 300, 7.3, (low) => {
        for (const span of [1e-9, 0.01, 0.4, 1, 2.2, 3, 17, 600]) check("logarithmic", low, low + span);
    });
    return found;
}
"""


def report(api: Api, values: dict[str, Callable[[int], float]], at: Callable[[int], int] | None = None) -> str:
    """A new task with a curve for each metric; ``at`` says the timestamp of a step."""
    task = api.create_task("axes")
    now = int(time.time() * 1000)
    event = {"type": "training_stats_scalar", "task": task, "variant": "v"}
    points = [(metric, n, value(n)) for metric, value in values.items() for n in STEPS]
    api.add(
        *(
            event | {"metric": m, "iter": n, "value": v, "timestamp": at(n) if at else now + n * 1000}
            for m, n, v in points
        )
    )
    return task


def labels(page: Page, count: int) -> dict[str, list[dict[str, Any]]]:
    """The labels that each chart has drawn, once there are so many charts."""
    until(lambda: len(page.evaluate(DRAWN)) == count, 30)
    page.wait_for_timeout(500)
    drawn = page.evaluate(DRAWN)
    for chart in drawn:
        for label in chart["texts"]:
            assert label["left"] >= 0, (chart["name"], label)
            assert label["right"] <= chart["width"], (chart["name"], label)
    return {chart["name"]: chart["texts"] for chart in drawn}


def texts(found: Iterable[dict[str, Any]], align: str) -> list[str]:
    return [label["text"] for label in found if label["align"] == align]


def overlapping(found: Iterable[dict[str, Any]]) -> list[str]:
    """Labels of a horizontal axis that reach into the next."""
    below = sorted((label for label in found if label["align"] == "center"), key=lambda each: (each["y"], each["left"]))
    lines = [list(line) for _, line in groupby(below, key=lambda each: each["y"])]
    return [a["text"] for line in lines for a, b in pairwise(line) if a["right"] > b["left"]]


def visit_drawing(visit: Open, address: str) -> Page:
    """A visit that keeps what is drawn on canvases."""
    page = visit("#/tasks", height=2400)
    page.add_init_script(KEEP_TEXTS)
    page.goto(f"{page.url.split('#')[0]}{address}")
    page.reload()
    return page


@pytest.mark.parametrize("axis", ["iter", "time", "relative"])
def test_labels_differ_and_have_room(visit: Open, api: Api, axis: str) -> None:
    page = visit_drawing(visit, f"#/task/{report(api, VALUES)}/scalars?x={axis}")
    drawn = labels(page, len(VALUES))
    for name, found in drawn.items():
        for align in ("right", "center"):
            assert len(texts(found, align)) >= 2, (name, found)
            assert len(set(texts(found, align))) == len(texts(found, align)), (name, found)
        assert overlapping(found) == [], name
    assert "16,777,300" in texts(drawn["large and close"], "right")
    assert "5.54504" in texts(drawn["close together"], "right")


def test_logarithmic_axes_show_small_values_and_say_what_they_leave_out(visit: Open, api: Api) -> None:
    page = visit_drawing(visit, f"#/task/{report(api, VALUES)}/scalars?{'&'.join(f'log={name}' for name in VALUES)}")
    drawn = labels(page, len(VALUES))
    assert {"1e-24", "1e-26"} <= set(texts(drawn["small"], "right"))
    assert {"0.1", "1"} <= set(texts(drawn["falling"], "right"))
    for name, found in drawn.items():
        assert len(set(texts(found, "right"))) == len(texts(found, "right")) >= 2, (name, found)
    for name, told in {
        "zeros": "as no value is above zero",
        "negative": "as no value is above zero",
        "on both sides": "21 of 50 points",
    }.items():
        expect(page.get_by_role("article", name=name).locator(".remarks")).to_contain_text(told)
    expect(page.get_by_role("article", name="falling").locator(".remarks")).to_be_empty()


START_NS = 1_796_000_000 * 10**9


@pytest.mark.parametrize("axis", ["time", "relative", "iter"])
def test_timestamps_in_nanoseconds_are_numbers(visit: Open, api: Api, axis: str) -> None:
    task = report(api, {"falling": VALUES["falling"]}, lambda n: START_NS + n * 10**9)
    page = visit_drawing(visit, f"#/task/{task}/scalars?x={axis}")
    found = labels(page, 1)["falling"]
    assert 2 <= len(set(texts(found, "center"))) == len(texts(found, "center")) < 10
    assert overlapping(found) == []
    if axis == "time":
        expect(page.locator(".remarks")).to_contain_text("no dates")
    canvas = page.get_by_role("img", name=re.compile("^falling"))
    canvas.focus()
    for key in ["ArrowRight", "-", "-", "+", *["-"] * 12, "0"]:
        page.keyboard.press(key)
    expect(canvas).to_have_attribute("data-at", re.compile(r"\d"))


def test_the_first_label_has_room_wherever_an_axis_begins(visit: Open, api: Api) -> None:
    """Half of a label such as 1.79612341e18 is wider than the vertical axis: at the first place it stood outside."""
    task = api.create_task("starts")
    for seconds in range(0, 30, 5):
        start = (1_796_123_410 + seconds) * 10**9
        at = {"type": "training_stats_scalar", "task": task, "metric": f"from {seconds} s", "variant": "v"}
        api.add(*(at | {"iter": n, "value": float(n % 7), "timestamp": start + n * 10**9} for n in STEPS))
    page = visit_drawing(visit, f"#/task/{task}/scalars?x=time")
    for found in labels(page, 6).values():
        assert overlapping(found) == []


def test_every_range_has_ticks_that_differ(visit: Open) -> None:
    assert visit("#/tasks").evaluate(RANGES) == []


def test_a_chart_that_fails_touches_no_other(visit: Open, api: Api) -> None:
    task = report(api, {name: VALUES["falling"] for name in ("first", "broken", "last")})
    page = visit("#/tasks")
    is_broken = True

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        if is_broken and "broken" in body["data"]:
            body["data"]["broken"]["v"]["y"] = 7
        route.fulfill(response=response, body=json.dumps(body))

    page.route("**/*events.scalar_metrics_iter_histogram", answer)
    page.goto(f"{page.url.split('#')[0]}#/task/{task}/scalars")
    told = page.get_by_role("article", name="broken").get_by_role("alert")
    expect(told).to_contain_text("This chart cannot be drawn: ")
    for name in ("first", "last"):
        expect(page.get_by_role("article", name=name).locator(".u-over")).to_be_visible()
        expect(page.get_by_role("article", name=name).get_by_role("alert")).to_have_count(0)
    is_broken = False
    page.get_by_label("Relative").check()
    expect(page.get_by_role("article", name="broken").locator(".u-over")).to_be_visible()
    expect(told).to_have_count(0)
