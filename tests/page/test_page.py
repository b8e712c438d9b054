"""Eventide's own page, as people use it."""

from __future__ import annotations

import json
import re
import secrets
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

from tests.harness.api import Api, Origins, until
from tests.harness.deployment import ROOT, Deployment
from tests.page import demo
from tests.page.conftest import STEPS, Open, data_of

RUNNING = "convnext tiny"
HOSTILE = "<img src=x onerror=\"window.hacked=1\"> & 'quotes'"
HISTOGRAM = "events.scalar_metrics_iter_histogram"
NAMELESS = """
() => [...document.querySelectorAll("button, a, input, select, [role=img]")].filter(
    e => e.checkVisibility() && !(e.ariaLabel || e.title || e.textContent.trim() || e.labels?.length)
).map(e => e.outerHTML)
"""


def scalar(task: str, iteration: int, value: float, metric: str = "loss", variant: str = "train") -> dict[str, object]:
    at = {"type": "training_stats_scalar", "task": task, "iter": iteration, "metric": metric, "variant": variant}
    return at | {"value": value}


def rows(page: Page) -> list[str]:
    return page.locator(".tasks tbody .name a").all_text_contents()


def asked(page: Page, action: str) -> list[dict[str, object]]:
    """Fills up with what the page asks of a call."""
    found: list[dict[str, object]] = []

    def keep(request: Request) -> None:
        if request.url.endswith(action):
            found.append(data_of(request.post_data))

    page.on("request", keep)
    return found


def test_every_module_is_asked_for_at_once() -> None:
    page = ROOT / "query" / "page"
    named = set(re.findall(r'modulepreload" href="page/([^"]+)', (page / "index.html").read_text()))
    texts = [path.read_text() for path in page.glob("*.js")]
    imported = {name for text in texts for name in re.findall(r'^import .*"\./([^"]+)"', text, re.MULTILINE)}
    assert named == imported


# --- logging in -------------------------------------------------------------------------------------------------------


def test_a_newcomer_logs_in_by_the_printed_link(browser: Browser, eventide: Deployment, tasks: dict[str, str]) -> None:
    keys = eventide.credentials
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{eventide.origins.query}/#login={keys.access_key}:{keys.secret_key}")
        expect(page.locator(".tasks tbody")).to_contain_text(RUNNING)
        assert keys.secret_key not in page.url
        page.reload()
        expect(page.locator(".tasks tbody")).to_contain_text(RUNNING)


def test_a_newcomer_types_the_printed_keys(browser: Browser, eventide: Deployment, tasks: dict[str, str]) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(eventide.origins.query)
        page.get_by_label("Access key").fill(eventide.credentials.access_key)
        page.get_by_label("Secret key").fill("not this one")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("Invalid credentials")
        page.get_by_label("Secret key").fill(eventide.credentials.secret_key)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".tasks tbody")).to_contain_text(RUNNING)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Access key")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Access key")).to_be_visible()


def test_a_late_refusal_does_not_take_away_what_was_typed(browser: Browser, eventide: Deployment) -> None:
    with browser.new_context() as context:
        page, held = context.new_page(), list[Route]()
        page.route("**/*users.get_current_user", lambda route: held.append(route))
        page.goto(eventide.origins.query)
        page.get_by_label("Access key").fill("typed before")
        with page.expect_response("**/*users.get_current_user"):
            held[0].continue_()
        page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 100))")
        expect(page.get_by_label("Access key")).to_have_value("typed before")


# --- the list ---------------------------------------------------------------------------------------------------------


def test_tasks_are_searched_and_the_search_has_an_address(visit: Open, tasks: dict[str, str]) -> None:
    page = visit()
    expect(page.locator(".tasks tbody")).to_contain_text(RUNNING)
    page.get_by_label("Search tasks").fill("vit-b")
    expect(page.locator(".tasks tbody tr")).to_have_count(2)
    assert all("vit-b" in name for name in rows(page))
    page.reload()
    expect(page.get_by_label("Search tasks")).to_have_value("vit-b")
    expect(page.locator(".tasks tbody tr")).to_have_count(2)
    page.get_by_label("Status").select_option("failed")
    expect(page.locator(".tasks tbody tr")).to_have_count(1)


def test_a_task_shows_its_latest_values_and_their_curves(visit: Open, tasks: dict[str, str]) -> None:
    page = visit("#/tasks?q=resnet50%20baseline")
    latest = page.locator(".tasks .latest")
    expect(latest).to_have_count(3)
    expect(latest.first).to_contain_text("loss / train")
    assert len(page.locator(".tasks .sparkline path").nth(1).get_attribute("d") or "") > 100


def test_the_list_is_live(visit: Open, api: Api) -> None:
    task = api.create_task("a task that goes on")
    api.add(scalar(task, 0, 1.0))
    page = visit("#/tasks?q=a%20task%20that%20goes%20on")
    row = page.locator(".tasks tbody tr")
    expect(row).to_have_count(1)
    expect(page.locator(".live")).to_be_visible()
    api.add(scalar(task, 4711, 0.125))
    expect(row).to_contain_text("4,711")
    expect(row.locator(".latest")).to_contain_text("0.125")


# --- curves -----------------------------------------------------------------------------------------------------------


def test_new_points_appear_within_a_second(visit: Open, api: Api) -> None:
    task = api.create_task("live")
    api.add(*(scalar(task, step, 2.0) for step in range(10)))
    page = visit(f"#/task/{task}/scalars")
    value = page.locator(".series", has_text="train").locator(".value")
    expect(value).to_have_text("2")
    expect(page.locator(".live")).to_be_visible()
    seconds = []
    for step in range(10, 15):
        started = time.monotonic()
        api.add(scalar(task, step, float(step)))
        expect(value).to_have_text(str(step))
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 1, seconds  # the others show how busy the machine is


def test_a_new_metric_appears_by_itself(visit: Open, api: Api) -> None:
    task = api.create_task("two metrics")
    page = visit(f"#/task/{task}/scalars")
    expect(page.get_by_text("No scalars yet")).to_be_visible()
    expect(page.locator(".live")).to_be_visible()
    api.add(scalar(task, 0, 1.0), scalar(task, -(2**31), 7.5, "Summary", "best"))
    expect(page.get_by_role("article", name="loss")).to_be_visible()
    expect(page.locator(".tile")).to_contain_text("7.5")
    api.add(scalar(task, 1, 3.0, "accuracy", "top 1"))
    expect(page.get_by_role("article", name="accuracy")).to_be_visible()


def test_spikes_survive_and_points_are_few(visit: Open, api: Api) -> None:
    task = api.create_task("long")
    demo.send(api, (scalar(task, step, 1000.0 if step == 7777 else 1.0) for step in range(20_000)))
    page = visit(f"#/task/{task}/scalars")
    requests = asked(page, HISTOGRAM)
    page.reload()
    canvas = page.get_by_role("img", name=re.compile("^loss"))
    expect(canvas).to_have_attribute("aria-label", re.compile("train: latest 1, from 1 to 1,000"))
    width = canvas.bounding_box()["width"]  # type: ignore[index]
    for request in requests:
        assert int(str(request["samples"])) <= width + 100
        points = api.call(HISTOGRAM, request)["loss"]["train"]
        assert sum(len(points[axis]) for axis in ("y", "y_min", "y_max")) <= 4 * width
    assert requests


def test_zooming_asks_for_the_range_and_has_an_address(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/scalars")
    canvas = page.get_by_role("img", name=re.compile("^loss"))
    over = canvas.locator(".u-over")
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=5)
    with page.expect_request(lambda request: "x_min" in (request.post_data or "")) as read:
        page.mouse.up()
    expect(page).to_have_url(re.compile(r"range=1[45]\d%7E(29\d|30\d)"))
    names = page.get_by_role("article", name="loss").locator(".series .name")
    expect(names).to_have_text(["train", "validation"])  # in one order, and so in the same colours
    assert 140 < int(str(data_of(read.value.post_data)["x_min"])) < 160
    page.reload()
    page.get_by_role("button", name="Show all").click()
    expect(page).not_to_have_url(re.compile("range="))


class Fingers:
    """Fingers on a chart, at places that are shares of its width."""

    def __init__(self, page: Page, canvas: Locator) -> None:
        self.canvas = canvas
        self.session = page.context.new_cdp_session(page)

    def move(self, *paths: tuple[float, float], up: float = 0) -> None:
        """Put each finger on the first of its two places, and draw it to the second, and so many px up."""
        box = self._box()
        for step in range(11):
            y = box["y"] + box["height"] / 2 - up * step / 10
            places = [box["x"] + box["width"] * (a + (b - a) * step / 10) for a, b in paths]
            points = [{"x": x, "y": y, "id": number} for number, x in enumerate(places)]
            self._send("touchStart" if not step else "touchMove", points)
        self._send("touchEnd", [])

    def tap(self, place: float) -> None:
        """Once."""
        self.move((place, place))

    def double_tap(self, place: float) -> None:
        """Twice, as quickly as that goes: taps that are 0.3 s apart are none of a pair."""
        box = self._box()
        point = {"x": box["x"] + box["width"] * place, "y": box["y"] + box["height"] / 2}
        for _ in range(2):
            self._send("touchStart", [point])
            self._send("touchEnd", [])

    def _box(self) -> dict[str, float]:
        self.canvas.scroll_into_view_if_needed()
        over = self.canvas.locator(".u-over")
        return until(lambda: over.evaluate_all("found => found[0]?.getBoundingClientRect().toJSON()"))

    def _send(self, kind: str, points: list[dict[str, float]]) -> None:
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_curves_are_zoomed_by_fingers(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/scalars", width=390, height=844, touch=True)
    canvas = page.get_by_role("img", name=re.compile("^loss"))
    fingers = Fingers(page, canvas)
    expect(canvas).to_have_attribute("aria-label", re.compile("validation"))
    whole = canvas.get_attribute("aria-label") or ""
    fingers.tap(0.5)
    expect(canvas).to_have_attribute("data-at", re.compile(r"iteration (29|30)\d"))
    fingers.move((0.25, 0.5))
    expect(page).to_have_url(re.compile(r"range=1[45]\d%7E(29|30)\d"))
    page.get_by_role("article", name="loss").get_by_role("button", name="Whole range").click()
    expect(page).not_to_have_url(re.compile("range="))
    expect(canvas).to_have_attribute("aria-label", whole)
    fingers.move((0.45, 0.25), (0.55, 0.75))
    expect(page).to_have_url(re.compile(r"range=(23|24)\d%7E(35|36)\d"))

    def is_reset() -> bool:
        fingers.double_tap(0.5)
        return "range=" not in page.url

    until(is_reset)  # a busy machine may need more than one pair


def test_one_finger_still_scrolls_the_page_over_a_curve(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/scalars", width=390, height=844, touch=True)
    canvas = page.get_by_role("img", name=re.compile("^accuracy"))
    expect(canvas.locator(".u-over")).to_be_visible()
    Fingers(page, canvas).move((0.5, 0.5), up=200)
    until(lambda: page.evaluate("document.scrollingElement.scrollTop") > 50)
    expect(page).not_to_have_url(re.compile("range="))


def test_full_screen_is_zoomed_by_buttons(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/scalars?full=loss", width=390, height=844)
    dialog = page.get_by_role("dialog", name="loss")
    dialog.get_by_role("button", name="Zoom in").click()
    expect(page).to_have_url(re.compile("range="))
    dialog.get_by_role("button", name="Whole range").click()
    expect(page).not_to_have_url(re.compile("range="))
    expect(dialog.get_by_role("button", name="Whole range")).to_be_hidden()
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 390


def test_charts_are_used_by_keyboard(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/scalars")
    canvas = page.get_by_role("img", name=re.compile("^loss"))
    expect(canvas.locator(".u-over")).to_be_visible()
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(canvas).to_have_attribute("data-at", re.compile("iteration 3"))
    other = page.get_by_role("img", name=re.compile("^throughput"))
    expect(other).to_have_attribute("data-at", re.compile("iteration 3"))
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("range="))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("range="))


def test_axes_smoothing_and_hidden_curves_have_addresses(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/scalars")
    loss = page.get_by_role("article", name="loss")
    loss.get_by_role("button", name="log").click()
    loss.get_by_role("button", name="validation").click()
    page.get_by_label("Smoothing").fill("0.6")
    with page.expect_request(lambda request: request.url.endswith(HISTOGRAM)) as read:
        page.get_by_label("Relative").check()
    expect(page).to_have_url(re.compile("x=relative"))
    assert data_of(read.value.post_data)["key"] == "timestamp"
    page.reload()
    loss = page.get_by_role("article", name="loss")
    expect(loss.get_by_role("button", name="log")).to_have_attribute("aria-pressed", "true")
    expect(loss.get_by_role("button", name="validation")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_label("Smoothing")).to_have_value("0.6")
    expect(page.get_by_label("Relative")).to_be_checked()


def test_one_chart_fills_the_window_and_is_saved(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/scalars")
    with page.expect_response(lambda response: '"metrics":[{"metric":"loss"}]' in (response.request.post_data or "")):
        page.get_by_role("button", name="Full screen: loss").click()
    dialog = page.get_by_role("dialog", name="loss")
    expect(dialog.locator(".u-over")).to_be_visible()
    expect(page).to_have_url(re.compile("full=loss"))
    with page.expect_download() as table:
        dialog.get_by_role("button", name="CSV").click()
    lines = Path(table.value.path()).read_text().splitlines()
    assert lines[0] == "metric,variant,iteration,value"
    assert len(lines) == 1 + STEPS + STEPS // 10  # of both variants every point
    with page.expect_download() as picture:
        dialog.get_by_role("button", name="PNG").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("full="))


def test_a_single_iteration_is_in_the_middle(visit: Open, api: Api) -> None:
    task = api.create_task("one iteration")
    api.add(scalar(task, 0, 5.0))
    page = visit(f"#/task/{task}/scalars")
    expect(page.get_by_role("img", name=re.compile("^loss"))).to_be_visible()
    assert "1" in drawn_texts(page)
    assert "100" not in drawn_texts(page)


def test_the_greatest_and_the_smallest_numbers_have_an_axis(visit: Open, api: Api) -> None:
    task = api.create_task("extremes")
    for metric, size in (("huge", 3e37), ("tiny", 3e-37)):
        api.add(*(scalar(task, step, size * (-1) ** step, metric) for step in range(4)))
    page = visit(f"#/task/{task}/scalars")
    expect(page.get_by_role("img", name=re.compile("^tiny"))).to_be_visible()
    texts = drawn_texts(page)
    assert {"2e+37", "-2e+37", "2e-37", "-2e-37"} <= set(texts), texts


def drawn_texts(page: Page) -> list[str]:
    """The texts that a new visit of this address draws on canvases."""
    page.add_init_script("""
        window.texts = [];
        const draw = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
            window.texts.push(text);
            return draw.call(this, text, ...place);
        };
    """)
    page.reload()
    until(lambda: len(page.evaluate("window.texts")) > 4)
    page.wait_for_timeout(300)
    texts: list[str] = page.evaluate("window.texts")
    return texts


def test_a_long_name_of_a_single_value_stays_on_the_page(visit: Open, api: Api) -> None:
    task = api.create_task("long names")
    api.add(
        scalar(task, -(2**31), 7.5, "Summary", "s" * 200), *(scalar(task, n, n, "m" * 200, "v" * 200) for n in (1, 2))
    )
    page = visit(f"#/task/{task}/scalars", width=390, height=844)
    tile = page.locator(".tile")
    expect(tile).to_contain_text("7.5")
    box = tile.bounding_box()
    assert box
    assert box["x"] + box["width"] <= 390
    page.goto(f"{page.url.split('#')[0]}#/compare/{task}?table=1")
    expect(page.locator(".values tbody th").first).to_be_visible()
    until(lambda: (box := page.locator(".values tbody th").first.bounding_box()) and box["width"] < 200)


def test_names_stay_beside_a_table_of_many_tasks(visit: Open, api: Api) -> None:
    tasks = [api.create_task(f"one of many {number}") for number in range(20)]
    for task in tasks:
        api.add(scalar(task, 0, 1.0))
    page = visit(f"#/compare/{'/'.join(tasks)}?table=1")
    name = page.locator(".values tbody th").first
    expect(name).to_have_text("loss / train")
    before = until(name.bounding_box)  # the table is made anew once all tasks are there
    page.locator(".scrolled").evaluate("e => { e.scrollLeft = 900 }")
    assert page.locator(".scrolled").evaluate("e => e.scrollLeft") == 900
    until(lambda: name.bounding_box() == before)


def test_a_list_of_no_tasks_has_no_head(visit: Open) -> None:
    page = visit("#/tasks?q=nothing%20is%20called%20so")
    expect(page.get_by_text("No task matches.")).to_be_visible()
    expect(page.locator("table.tasks")).to_be_hidden()
    page.get_by_label("Search tasks").fill("")
    expect(page.locator("table.tasks")).to_be_visible()


# --- console, plots, images -------------------------------------------------------------------------------------------


def test_the_console_follows_searches_and_filters(visit: Open, api: Api) -> None:
    task = api.create_task("talks")
    api.add(*demo.log(task, 60))
    page = visit(f"#/task/{task}/console")
    console = page.get_by_role("log", name="Console")
    expect(console).to_contain_text("epoch  55")
    assert console.evaluate("e => e.scrollHeight - e.clientHeight - e.scrollTop") < 5
    expect(page.locator(".live")).to_be_visible()
    api.add({"type": "log", "task": task, "level": "info", "msg": "something new"})
    expect(console).to_contain_text("something new")
    page.get_by_role("button", name="warning").click()
    expect(console.locator(".line")).to_have_count(4)
    page.get_by_role("button", name="warning").click()
    page.get_by_label("Search lines").fill("SOMETHING")
    expect(console.locator(".line")).to_have_count(1)
    expect(console.locator("mark")).to_have_text("something")
    page.reload()
    expect(console.locator(".line")).to_have_count(1)


def test_older_lines_are_read_on_scrolling_up(visit: Open, api: Api) -> None:
    task = api.create_task("talks much")
    demo.send(api, demo.log(task, 1200))
    page = visit(f"#/task/{task}/console")
    console = page.get_by_role("log", name="Console")
    expect(console.locator(".line")).to_have_count(500)
    for count in (1000, 1200):
        console.evaluate("e => { e.scrollTop = 0 }")
        expect(console.locator(".line")).to_have_count(count)


def test_plots_are_drawn_and_their_library_is_loaded_only_there(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/scalars")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.get_by_role("tab", name="Console").click()
    expect(page.get_by_role("log")).to_contain_text("epoch")
    assert not any("plotly" in url for url in loaded)
    page.get_by_role("tab", name="Plots").click()
    expect(page.locator(".figure .main-svg").first).to_be_visible()
    expect(page.get_by_role("article", name="confusion")).to_contain_text("predicted")
    expect(page.get_by_role("columnheader", name="recall")).to_be_visible()
    assert any("plotly" in url for url in loaded)


def test_plots_in_space_are_drawn_by_a_part_that_only_they_load(visit: Open, api: Api, tasks: dict[str, str]) -> None:
    task = api.create_task("in space")
    grid = [[x * y for x in range(5)] for y in range(5)]
    traces = {
        "points": {"type": "scatter3d", "mode": "markers", "x": [1, 2, 3], "y": [1, 3, 2], "z": [2, 1, 3]},
        "height": {"type": "surface", "z": grid},
        "mesh": {"type": "mesh3d", "x": [0, 1, 0, 0], "y": [0, 0, 1, 0], "z": [0, 0, 0, 1]},
    }
    for name, trace in traces.items():
        text = json.dumps({"data": [trace], "layout": {"title": name, "scene": {"xaxis": {"title": "across"}}}})
        api.add({"type": "plot", "task": task, "iter": 0, "metric": name, "variant": "v", "plot_str": text})
    page = visit(f"#/task/{tasks[RUNNING]}/plots")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    expect(page.locator(".figure .main-svg").first).to_be_visible()
    assert not any("plotly-strict" in url for url in loaded)
    page.goto(f"{page.url.split('#')[0]}#/task/{task}/plots")
    expect(page.locator(".figure .gl-container canvas")).to_have_count(3, timeout=60_000)  # one after another
    assert any("plotly-strict" in url for url in loaded)
    assert page.get_by_text("does not draw").count() == 0


def test_images_are_walked_through_by_iteration(visit: Open, tasks: dict[str, str]) -> None:
    page = visit(f"#/task/{tasks[RUNNING]}/images")
    pictures = page.locator(".images img")
    expect(pictures).to_have_count(2)
    expect(page.locator("output")).to_have_text("iteration 500")
    page.get_by_label("Iteration", exact=True).fill("1")
    expect(page.locator("output")).to_have_text("iteration 100")
    page.get_by_role("button", name="Earlier iteration").click()
    expect(page.locator("output")).to_have_text("iteration 0")
    expect(page).to_have_url(re.compile("iteration=0"))
    page.reload()
    expect(page.locator("output")).to_have_text("iteration 0")
    assert pictures.first.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0


# --- comparing --------------------------------------------------------------------------------------------------------


def test_tasks_are_chosen_compared_and_switched_off(visit: Open, tasks: dict[str, str]) -> None:
    page = visit("#/tasks?q=resnet50")
    for name in ("resnet50 baseline", "resnet50 cosine schedule"):
        page.get_by_label(f"Compare {name}").check()
    page.get_by_role("button", name="Compare 2").click()
    chart = page.get_by_role("article", name="loss / train")
    expect(chart.locator(".series")).to_have_count(2)
    expect(chart.locator(".u-over")).to_be_visible()
    page.locator(".compared .series", has_text="resnet50 baseline").click()
    expect(chart.locator(".series", has_text="baseline")).to_have_attribute("aria-pressed", "false")
    page.get_by_text("Table of values").click()
    row = page.get_by_role("row", name="accuracy / top 1")
    expect(row.get_by_role("cell")).to_have_count(6)
    expect(page).to_have_url(re.compile("table=1"))
    page.reload()
    expect(page.get_by_role("row", name="accuracy / top 1")).to_be_visible()


# --- everywhere -------------------------------------------------------------------------------------------------------


def test_names_and_messages_are_only_ever_texts(visit: Open, api: Api) -> None:
    task = api.create_task(HOSTILE, comment=HOSTILE)
    plot = json.dumps({"data": [{"type": "bar", "y": [1, 2], "name": HOSTILE}], "layout": {"title": HOSTILE}})
    api.add(
        scalar(task, 0, 1.0, HOSTILE, HOSTILE),
        {"type": "log", "task": task, "level": "error", "msg": HOSTILE},
        {"type": "plot", "task": task, "iter": 0, "metric": HOSTILE, "variant": HOSTILE, "plot_str": plot},
        {
            "type": "training_debug_image",
            "task": task,
            "iter": 0,
            "metric": HOSTILE,
            "variant": HOSTILE,
            "key": "k",
            "url": "javascript:window.hacked=1",
        },
    )
    page = visit("#/tasks?q=onerror")
    expect(page.locator(".tasks .name a")).to_have_text(HOSTILE)
    for tab, place in {
        "scalars": ".card h3",
        "plots": ".card .main-svg",
        "images": "figure",
        "console": ".message",
        "info": ".facts-card",
    }.items():
        page.goto(f"{page.url.split('#')[0]}#/task/{task}/{tab}")
        expect(page.locator(place).first).to_be_visible()
        expect(page.locator("h1")).to_have_text(HOSTILE)
        assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    page.goto(f"{page.url.split('#')[0]}#/compare/{task}/{task}")
    expect(page.locator(".card h3")).to_contain_text(HOSTILE)
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("width", [390, 1280])
def test_the_console_is_at_its_end_however_long_the_last_lines_are(visit: Open, api: Api, width: int) -> None:
    task = api.create_task("long lines")
    lines = [f"line {n}" for n in range(300)] + ["y" * 5000, "a\nb\nc"]
    api.add(*({"type": "log", "task": task, "timestamp": 1000 + n, "msg": text} for n, text in enumerate(lines)))
    page = visit(f"#/task/{task}/console", width=width)
    console = page.get_by_role("log", name="Console")
    expect(console.locator(".line")).to_have_count(len(lines))
    page.wait_for_timeout(500)
    assert console.evaluate("e => e.scrollHeight - e.clientHeight - e.scrollTop") < 5
    api.add({"type": "log", "task": task, "timestamp": 9000, "msg": "z" * 9000})
    expect(console.locator(".line")).to_have_count(len(lines) + 1)
    page.wait_for_timeout(500)
    assert console.evaluate("e => e.scrollHeight - e.clientHeight - e.scrollTop") < 5
    console.evaluate("e => { e.scrollTop = 1000 }")
    page.wait_for_timeout(500)
    assert console.evaluate("e => e.scrollTop") < 3000  # who reads what is older is left alone


def test_an_empty_console_is_no_empty_box(visit: Open, api: Api) -> None:
    task = api.create_task("silent")
    page = visit(f"#/task/{task}/console")
    expect(page.get_by_text("No lines yet")).to_be_visible()
    expect(page.locator(".lines")).to_be_hidden()
    api.add({"type": "log", "task": task, "timestamp": 1, "msg": "the first line"})
    expect(page.get_by_role("log", name="Console")).to_contain_text("the first line")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_usable_on_a_phone_and_everything_has_a_name(visit: Open, tasks: dict[str, str], scheme: str) -> None:
    page = visit(width=390, height=844, scheme=scheme)
    origin = page.url.split("#")[0]
    addresses = [f"task/{tasks[RUNNING]}/{tab}" for tab in ("scalars", "plots", "images", "console", "info")]
    for address in ["tasks", *addresses, f"compare/{'/'.join(tasks.values())}"]:
        page.goto(f"{origin}#/{address}")
        expect(page.locator(".card, .tasks tbody tr, .line").first).to_be_visible()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, address
        assert page.evaluate(NAMELESS) == [], address
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(245, 246, 248)", "dark": "rgb(15, 20, 26)"}[scheme]


def test_nothing_comes_from_elsewhere(visit: Open, tasks: dict[str, str], eventide: Deployment) -> None:
    page = visit()
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    for tab in ("scalars", "plots", "console"):
        page.goto(f"{eventide.origins.query}/#/task/{tasks[RUNNING]}/{tab}")
        expect(page.locator(".card, .line").first).to_be_visible()
    page.reload()
    expect(page.locator(".line").first).to_be_visible()
    assert len(urls) > 20
    assert [url for url in urls if not url.startswith((eventide.origins.query, "data:", "blob:"))] == []


def test_a_stream_that_breaks_is_resumed(visit: Open, api: Api) -> None:
    task = api.create_task("resumed")
    api.add(scalar(task, 0, 42.0))
    page = visit()
    opened: list[str] = []
    stream = re.compile(r"events\.stream.*points=true")

    def break_first(route: Route) -> None:
        opened.append(route.request.url)
        if len(opened) == 1:
            broken = "retry: 3000\nid: 0.0\nevent: ready\ndata: {}\n\n"
            route.fulfill(content_type="text/event-stream", body=broken)
        else:
            route.continue_()

    page.route(stream, break_first)
    with page.expect_response(stream):
        page.goto(f"{page.url.split('#')[0]}#/task/{task}/scalars")
    expect(page.locator(".series .value")).to_have_text("42")
    with page.expect_request(stream):
        api.add(scalar(task, 1, 43.0))  # while there is no stream
    expect(page.locator(".series .value")).to_have_text("43")
    assert len(opened) == 2


def test_a_stranger_sees_nothing(browser: Browser, eventide: Deployment, tasks: dict[str, str]) -> None:
    origins: Origins = eventide.origins
    stranger = eventide.add_user(f"strangers-{secrets.token_hex(4)}", "stranger")
    with Api(origins, stranger) as api, browser.new_context() as context:
        context.add_cookies([{"name": "clearml_token_basic", "value": api.token, "url": origins.query}])
        page = context.new_page()
        page.goto(f"{origins.query}/#/tasks?q={tasks[RUNNING]}")
        expect(page.get_by_text("No task matches.")).to_be_visible()
        page.goto(f"{origins.query}/#/task/{tasks[RUNNING]}/scalars")
        expect(page.get_by_role("alert").first).to_be_visible()
        expect(page.locator(".card")).to_have_count(0)
