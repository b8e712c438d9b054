"""Uploaded files in a real browser, by every address that they and the page may have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.api import Api
from tests.harness.deployment import Deployment
from tests.harness.events import plot
from tests.page.uploads import FILES, port_of, report
from tests.servers.nginx import nginx

WIDE = """() => [...document.querySelectorAll(".images img")].every(e => e.complete && e.naturalWidth > 0)"""
# By which the machine itself is reached: an address of its own, and names that end in .localhost.
HOSTS = ("127.0.0.1", "localhost", "127.0.0.9", "eventide.localhost")


def opened(browser: Browser, origin: str, api: Api, address: str) -> Page:
    """A page of a person who is logged in at an origin; what goes wrong in it is an exception there."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "clearml_token_basic", "value": api.token, "url": origin}])
    page = context.new_page()
    page.goto(f"{origin}/#/task/{address}/images")
    return page


def look_at_files(page: Page) -> None:
    """Every kind of file is shown as what it is, and none of them has run anything."""
    expect(page.locator(".images figure")).to_have_count(len(FILES))
    page.wait_for_function(WIDE)
    expect(page.locator(".images pre")).to_contain_text("second <b>line</b>")
    page.wait_for_function("() => document.querySelector('.images audio').duration > 0.05")
    frame = page.locator(".images iframe")
    expect(frame.content_frame.locator("h1")).to_have_text("a report")
    assert frame.get_attribute("sandbox") == ""
    assert frame.content_frame.locator("html").get_attribute("data-ran") is None
    assert page.evaluate("window.ran") is None
    expect(page.locator(".images .notice")).to_have_count(0)


@pytest.mark.parametrize("named", HOSTS)
@pytest.mark.parametrize("visited", HOSTS)
def test_files_are_shown_at_every_address(
    browser: Browser, open_to_all: Deployment, on_lan: Api, visited: str, named: str
) -> None:
    files = f"http://{named}:{port_of(open_to_all.files)}"
    task = report(on_lan, open_to_all.files, files, "project")
    page = opened(browser, f"http://{visited}:{port_of(open_to_all.origins.query)}", on_lan, task)
    look_at_files(page)
    page.context.close()


def test_files_are_shown_behind_nginx(browser: Browser, open_to_all: Deployment, on_lan: Api, tmp_path: Path) -> None:
    tiers = open_to_all.origins
    task = report(on_lan, open_to_all.files, "http://files.example.internal:8081", "a dir%2F")
    with nginx(tmp_path, tiers.gateway, tiers.query, open_to_all.files) as front:
        page = opened(browser, front.api, on_lan, task)
        look_at_files(page)
        page.context.close()


def test_files_are_uploaded_to_the_pages_own_origin(browser: Browser, open_to_all: Deployment, on_lan: Api) -> None:
    own = f"{open_to_all.origins.query}/files"
    task = report(on_lan, own, own, "own origin")
    page = opened(browser, open_to_all.origins.query, on_lan, task)
    look_at_files(page)
    page.context.close()


def test_a_plot_has_its_uploaded_picture(browser: Browser, open_to_all: Deployment, on_lan: Api) -> None:
    """As of ``report_matplotlib_figure``, which refers to the file from the layout of an empty plot."""
    task = report(on_lan, open_to_all.files, open_to_all.files, "plots")
    source = f"http://files.lan:{port_of(open_to_all.files)}/plots/{task}/picture.png"
    placed = {"x": 0, "y": 1, "sizex": 1, "sizey": 1, "xref": "paper", "yref": "paper", "source": source}
    on_lan.add(plot(task, 1, json.dumps({"data": [], "layout": {"images": [placed]}})))
    page = opened(browser, open_to_all.origins.query, on_lan, task)
    page.goto(f"{open_to_all.origins.query}/#/task/{task}/plots")
    own = f"{open_to_all.origins.query}/files/plots/{task}/picture.png"  # which has been loaded from there before
    expect(page.locator(".plot image")).to_have_attribute("href", own)
    page.context.close()


@pytest.mark.parametrize("name", ["report.html", "drawing.svg"])
@pytest.mark.parametrize("at", ["own", "files"])
def test_a_file_that_is_opened_by_itself_runs_nothing(
    browser: Browser, open_to_all: Deployment, on_lan: Api, name: str, at: str
) -> None:
    host = f"{open_to_all.origins.query}/files" if at == "own" else open_to_all.files
    task = report(on_lan, open_to_all.files, host, "alone")
    page = opened(browser, open_to_all.origins.query, on_lan, task)
    page.goto(f"{host}/alone/{task}/{name}")
    expect(page.locator("h1, rect").first).to_be_visible()
    assert page.locator("html, svg").first.get_attribute("data-ran") is None
    assert page.evaluate("origin") == "null"
    page.context.close()


def test_a_missing_file_is_a_page(browser: Browser, open_to_all: Deployment, on_lan: Api) -> None:
    page = opened(browser, open_to_all.origins.query, on_lan, "0" * 32)
    answer = page.goto(f"{open_to_all.origins.query}/files/nothing/here.png")
    assert answer
    assert answer.status == 404
    expect(page.get_by_role("heading")).to_have_text("There is nothing at this address")
    page.get_by_role("link", name="To the start").click()
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    page.context.close()


def test_other_companies_do_not_see_them(open_to_all: Deployment, on_lan: Api, browser: Browser) -> None:
    task = report(on_lan, open_to_all.files, open_to_all.files, "mine")
    with Api(open_to_all.origins, open_to_all.add_user("others", "other")) as other:
        page = opened(browser, open_to_all.origins.query, other, task)
        answer = page.goto(f"{open_to_all.origins.query}/files/mine/{task}/picture.png")
        assert answer
        assert answer.status == 404
        page.context.close()


@pytest.mark.parametrize("host", HOSTS)
def test_files_are_shown_on_a_page_of_another_port(
    browser: Browser, open_to_all: Deployment, on_lan: Api, tmp_path: Path, host: str
) -> None:
    """As the ClearML web application does, which takes them from the files server itself."""
    files = f"http://{host}:{port_of(open_to_all.files)}"
    task = report(on_lan, open_to_all.files, files, "elsewhere")
    (tmp_path / "index.html").write_text(f'<div class="images"><img src="{files}/elsewhere/{task}/picture.png"></div>')
    with serving(tmp_path) as port:
        context = browser.new_context()
        context.add_cookies([{"name": "clearml_token_basic", "value": on_lan.token, "url": files}])
        page = context.new_page()
        page.goto(f"http://{host}:{port}/")
        page.wait_for_function(WIDE)
        context.close()


@contextmanager
def serving(directory: Path) -> Iterator[int]:
    """The port at which another program serves a directory."""
    with ThreadingHTTPServer(("0.0.0.0", 0), partial(SimpleHTTPRequestHandler, directory=str(directory))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
