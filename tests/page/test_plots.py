"""Plots on the page: every kind that plotly knows, numbers that JSON lacks, and what would break or block a browser."""

from __future__ import annotations

import hashlib
import io
import json
import math
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.harness.api import Api, until
from tests.page import vendor
from tests.page.conftest import Open
from tests.page.figures import TRACES, Figure, figure

GOOD: Figure = {"data": [{"type": "scatter", "y": [1, 2, 3]}], "layout": {}}
MARK_DISTANCE = 60  # of a colour from the background; grid lines are nearer
MIN_MARK_PIXELS = 20
DRAWING_SECONDS = 60.0  # the processor draws what is a graphics processor's


def report(api: Api, figures: dict[str, Any]) -> str:
    """A new task with these plots; figures are written as Python writes them, texts are sent as they are."""
    task = api.create_task("plots")
    at = {"type": "plot", "task": task, "iter": 0, "variant": "v"}
    for name, drawn in figures.items():
        text = drawn if isinstance(drawn, str) else json.dumps(drawn)
        api.add(at | {"metric": name, "plot_str": text})
    return task


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=f"{name} / v", exact=True)


def mark_pixels(place: Locator) -> int:
    """How many pixels in the middle of what is drawn are neither background nor grid."""
    shot = Image.open(io.BytesIO(place.screenshot(timeout=DRAWING_SECONDS * 1000))).convert("RGB")
    width, height = shot.size
    middle = shot.crop((width // 8, height // 4, width * 3 // 4, height * 3 // 4))
    ground = shot.getpixel((2, 2))
    assert isinstance(ground, tuple)
    return sum(distance(pixel, ground) > MARK_DISTANCE for pixel in middle.get_flattened_data())


def distance(pixel: tuple[int, ...] | float, ground: tuple[int, ...]) -> int:
    assert isinstance(pixel, tuple)
    return max(abs(a - b) for a, b in zip(pixel, ground, strict=True))


def scroll_to(place: Locator) -> None:
    """Scroll to a plot, while others may still be drawn above it."""
    place.evaluate("place => place.scrollIntoView({ block: 'center' })")


def see(page: Page, name: str) -> None:
    """Scroll to a plot and wait until something is drawn in it."""
    place = card(page, name).locator(".plot")
    scroll_to(place)
    try:
        until(lambda: mark_pixels(place) > MIN_MARK_PIXELS, DRAWING_SECONDS)
    except AssertionError:
        pytest.fail(f"nothing is drawn of {name}: {place.text_content()}")


@pytest.mark.parametrize("part", range(4))
def test_every_kind_that_plotly_knows_is_drawn(visit: Open, api: Api, part: int) -> None:
    kinds = list(TRACES)[part::4]
    page = visit(f"#/task/{report(api, {kind: figure(kind) for kind in kinds})}/plots")
    for kind in kinds:
        if kind == "table":
            expect(card(page, kind).get_by_role("row", name="cat 0.9")).to_be_visible()
        else:
            see(page, kind)
        expect(card(page, kind).locator(".notice")).to_have_count(0)


def test_the_list_of_kinds_is_plotlys(visit: Open, api: Api) -> None:
    page = visit(f"#/task/{report(api, {'sankey': figure('sankey')})}/plots")
    see(page, "sankey")
    known = set(page.evaluate("Object.keys(Plotly.PlotSchema.get().traces)"))
    assert known <= set(TRACES)
    assert set(TRACES) - known == {"choroplethmapbox", "densitymapbox", "heatmapgl", "pointcloud", "scattermapbox"}


def test_numbers_that_json_lacks_are_holes(visit: Open, api: Api) -> None:
    nan, infinity = math.nan, math.inf
    title = {"title": {"text": 'NaN in a "text" \\ is none, -Infinity either'}}
    matrix = {"data": [{"type": "heatmap", "z": [[1, nan], [infinity, 2]], "colorscale": "Blues"}], "layout": title}
    line = {"data": [{"type": "scatter", "mode": "lines", "y": [1, 2, nan, 4, 3, -infinity, 1, 2]}], "layout": title}
    task = report(api, {"matrix": matrix, "line": line})
    plots = {plot["metric"]: plot["plot_str"] for plot in api.call("events.get_task_plots", task=task)["plots"]}
    assert plots == {"matrix": json.dumps(matrix), "line": json.dumps(line)}  # as the SDK wrote them
    page = visit(f"#/task/{task}/plots")
    expect(card(page, "matrix").locator(".hm image")).to_have_count(1)
    expect(card(page, "matrix")).to_contain_text('NaN in a "text" \\ is none, -Infinity either')
    expect(card(page, "line").locator(".scatterlayer path.js-line")).to_have_count(3)


def test_a_plot_that_fails_touches_no_other(visit: Open, api: Api) -> None:
    figures: dict[str, Any] = {
        "first": GOOD,
        "nothing smaller": {"data": [{"y": [5e-324, 1e-323]}], "layout": {}},  # plotly throws
        "no axis": {"data": [{"y": [1]}], "layout": {"xaxis": "none"}},  # plotly throws
        "no json": "<svg>",
        "no figure": "[1, 2]",
        "nothing": {"data": [], "layout": {}},
        "unknown": {"data": [{"type": "hologram", "y": [1]}], "layout": {}},
        "last": GOOD,
    }
    page = visit(f"#/task/{report(api, figures)}/plots")
    for name in ("first", "last"):
        see(page, name)
    for name, told in {
        "nothing smaller": "This plot cannot be drawn: ",
        "no axis": "This plot cannot be drawn: ",
        "no json": "This plot is not a plotly figure.",
        "no figure": "This plot is not a plotly figure.",
        "nothing": "This plot has no data.",
        "unknown": "This page does not draw hologram.",
    }.items():
        scroll_to(card(page, name))
        expect(card(page, name).locator(".notice")).to_contain_text(told)


def test_what_would_block_the_browser_is_bounded_or_asked_first(visit: Open, api: Api) -> None:
    figures: dict[str, Any] = {
        "ticks": GOOD | {"layout": {"xaxis": {"dtick": 1e-9, "range": [0, 1e9]}}},
        "seconds": {"data": [{"x": ["2020-01-01", "9999-12-31"], "y": [1, 2]}], "layout": {"xaxis": {"dtick": 1000}}},
        "bins": {"data": [{"type": "histogram2d", "x": [1, 1e9], "y": [1, 1e9], "nbinsx": 10**6, "nbinsy": 10**6}]},
        "levels": {
            "data": [{"type": "contour", "z": [[0, 1], [1, 0]], "contours": {"start": 0, "end": 1, "size": 1e-9}}]
        },
        "rows": {"data": [{"type": "table", "cells": {"values": [list(range(5000))]}}], "layout": {}},
        "bars": {"data": [{"type": "bar", "y": [1] * 21_000}], "layout": {}},
    }
    page = visit(f"#/task/{report(api, figures)}/plots")
    for name in ("ticks", "seconds", "bins", "levels"):
        scroll_to(card(page, name))
        expect(card(page, name).locator(".main-svg").first).to_be_visible()
        assert card(page, name).locator(".xtick").count() < 30
    expect(card(page, "rows").get_by_role("row")).to_have_count(1001)
    expect(card(page, "rows")).to_contain_text("The first 1,000 of 5,000 rows.")
    expect(card(page, "bars")).to_contain_text("This plot has 21,000 elements")
    card(page, "bars").get_by_role("button", name="Draw it nevertheless").click()
    expect(card(page, "bars").locator(".main-svg").first).to_be_visible(timeout=DRAWING_SECONDS * 1000)


def test_more_webgl_plots_than_a_browser_has_contexts_are_all_seen(visit: Open, api: Api) -> None:
    names = [f"plot {number:02}" for number in range(10)]
    page = visit(f"#/task/{report(api, dict.fromkeys(names, figure('scattergl')))}/plots", height=2400)
    warnings: list[str] = []
    page.on("console", lambda message: warnings.append(message.text))
    for name in names:
        see(page, name)
    pictures = page.locator(".is-picture")
    until(lambda: pictures.count() > 0)
    for name in names:
        see(page, name)
    assert page.locator(".figure:not(.is-picture) .gl-container canvas").count() <= 14
    assert not [text for text in warnings if "Too many active WebGL" in text]
    picture = pictures.first.element_handle()
    pictures.first.hover()
    page.wait_for_function("place => !place.classList.contains('is-picture') && place._fullLayout", arg=picture)


def test_only_kinds_that_need_it_load_the_whole_library(visit: Open, api: Api) -> None:
    small = report(api, {"few": {"data": [{"type": "scattergl", "y": [1, 2] * 1000}], "layout": {}}})
    whole = report(api, {"sankey": figure("sankey"), "bars": figure("bar")})
    page = visit("#/tasks")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.extend(request.url.split("plotly-")[1:2]))
    page.goto(f"{page.url.split('#')[0]}#/task/{small}/plots")
    expect(card(page, "few").locator(".scatterlayer path.js-line")).to_have_count(1)  # 2000 points need no WebGL
    assert loaded == ["cartesian.min.js"]
    page.goto(f"{page.url.split('#')[0]}#/task/{whole}/plots")
    see(page, "sankey")
    see(page, "bars")
    assert loaded == ["cartesian.min.js", "strict.min.js"]


def test_vendored_libraries_are_as_they_were_published() -> None:
    recorded = json.loads(vendor.VERSIONS.read_text())
    assert recorded["sha256"] == vendor.digests()
    for library, files in vendor.FILES.items():
        assert any(target.endswith("LICENSE") for target in files.values()), library
        for target in files.values():
            content = (vendor.VENDOR / target).read_bytes()
            assert recorded["sha256"][target] == hashlib.sha256(content).hexdigest()
            if target.endswith(".js"):
                assert recorded["versions"][library].encode() in content[:400]
