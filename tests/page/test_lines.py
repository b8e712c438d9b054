"""The console: what arrives is shown in the order in which it arrives, and as a terminal shows it."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.harness.api import Api
from tests.harness.events import log
from tests.page.conftest import Open

HOUR_MS = 3_600_000
E = "\x1b"


def test_lines_of_clocks_that_differ_all_appear(visit: Open, api: Api) -> None:
    task, now = api.create_task("two processes"), int(time.time() * 1000)
    api.add(log(task, "first", timestamp=now))
    page = visit(f"#/task/{task}/console")
    lines = page.get_by_role("log", name="Console").locator(".message")
    expect(lines).to_have_text(["first"])
    expect(page.locator(".live")).to_be_visible()
    expected = ["first"]
    for step, (name, offset) in enumerate(
        (("ahead", HOUR_MS), ("behind", -HOUR_MS), ("old", 1000 - now), ("right", 1))
    ):
        api.add(log(task, f"{name} {step}", timestamp=now + offset))
        expected.append(f"{name} {step}")
        expect(lines).to_have_text(expected)
    page.reload()
    expect(lines).to_have_text(["old 2", "behind 1", "first", "right 3", "ahead 0"])


def test_many_lines_appear_and_older_ones_are_read_on_scrolling_up(visit: Open, api: Api) -> None:
    task = api.create_task("many lines")
    api.add(*(log(task, f"old {n}", timestamp=1000 + n) for n in range(700)))
    page = visit(f"#/task/{task}/console")
    console = page.get_by_role("log", name="Console")
    expect(console.locator(".line")).to_have_count(500)
    api.add(*(log(task, f"new {n}", timestamp=500) for n in range(100)))
    expect(console.locator(".line")).to_have_count(600)
    console.evaluate("e => { e.scrollTop = 0 }")
    expect(page.get_by_role("status")).to_have_text("800 lines")
    assert console.locator(".message").first.text_content() == "old 0"


def test_what_was_cleared_is_gone(visit: Open, api: Api) -> None:
    task = api.create_task("cleared")
    api.add(log(task, "before", timestamp=1000))
    page = visit(f"#/task/{task}/console")
    lines = page.get_by_role("log", name="Console").locator(".message")
    expect(lines).to_have_text(["before"])
    expect(page.locator(".live")).to_be_visible()
    api.call("events.clear_task_log", task=task, allow_locked=True)
    expect(page.get_by_text("No lines yet")).to_be_visible()
    api.add(log(task, "after", timestamp=2000))
    expect(lines).to_have_text(["after"])


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"{E}[31mred{E}[39m plain", [("red", "ansi1"), (" plain", "")]),
        (f"{E}[1;2mbold{E}[22m plain", [("bold", "bold faint"), (" plain", "")]),
        (f"{E}[38;5;9mnine{E}[0;48;5;4m on{E}[49m x", [("nine", "ansi1"), (" on", "ground4"), (" x", "")]),
        (f"{E}[91mbright{E}[m x", [("bright", "ansi1"), (" x", "")]),
        (f"{E}[31mtwo\nlines", [("two", "ansi1"), ("lines", "ansi1")]),
        ("10%\r 50%\r100%", [("100%", "")]),
        ("a long text\rshort", [("shortg text", "")]),
        (f"a long text\r{E}[Kshort", [("short", "")]),
        ("text\r\nnext\r\n", [("text", ""), ("next", "")]),
        (f"{E}]0;a title\x07x{E}[?25ly", [("xy", "")]),
        (f"{E}[38;2;1;2;3mtrue", [("true", "own-ink")]),
        (f"{E}[38:2::1:2:3mtrue", [("true", "own-ink")]),
    ],
)
def test_lines_are_shown_as_a_terminal_does(visit: Open, api: Api, line: str, shown: list[tuple[str, str]]) -> None:
    task = api.create_task("terminal")
    api.add(log(task, line))
    page = visit(f"#/task/{task}/console")
    parts = page.locator(".message span")
    expect(parts).to_have_text([text for text, _ in shown])
    assert parts.evaluate_all("all => all.map(e => e.className)") == [names for _, names in shown]


def test_true_colours_and_links(visit: Open, api: Api) -> None:
    task = api.create_task("colours")
    colours = f"{E}[38;5;208morange {E}[38;2;90;120;250mblue{E}[0m "
    link = f"{E}]8;;https://example.com/a{E}\\link{E}]8;;\x07 "
    hostile = f"{E}]8;;javascript:alert(1){E}\\here{E}]8;;{E}\\"
    api.add(log(task, colours + link + hostile))
    page = visit(f"#/task/{task}/console")
    expect(page.locator(".own-ink")).to_have_count(2)
    inks = page.locator(".own-ink").evaluate_all("all => all.map(e => getComputedStyle(e).color)")
    assert inks == ["rgb(255, 135, 0)", "rgb(90, 120, 250)"]
    links = page.locator(".message a")
    expect(links).to_have_text(["link"])
    assert links.get_attribute("href") == "https://example.com/a"
