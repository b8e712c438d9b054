"""A real browser, headless, on Eventide as its users run it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.harness.api import Api
from tests.harness.deployment import Deployment, embedded
from tests.page import demo

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

CHROMIUM = os.environ.get("EVENTIDE_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STEPS = 600
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """An Eventide that listens on every address, as on a LAN."""
    with embedded(tmp_path_factory.mktemp("open"), {"HOST": "0.0.0.0"}) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def on_lan(open_to_all: Deployment) -> Iterator[Api]:
    """Its first user."""
    with Api(open_to_all.origins, open_to_all.credentials) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; its driver keeps an event loop running in this thread, which other tests have no use for."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium (EVENTIDE_TEST_CHROMIUM names one)")
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def tasks(api: Api) -> dict[str, str]:
    """The demonstration's tasks, by name."""
    return demo.fill(api, STEPS)


@pytest.fixture
def visit(browser: Browser, eventide: Deployment) -> Iterator[Open]:
    """Open an address as a logged in person, in a context of its own; what the page complains of fails the test."""
    contexts = []
    complaints: list[str] = []
    keys = eventide.credentials
    token = Api(eventide.origins, keys).token

    def hear(message: ConsoleMessage) -> None:
        if is_complaint(message):
            complaints.append(f"{message.text} {message.location.get('url', '')}")

    def opened(
        address: str = "#/tasks", *, width: int = 1280, height: int = 900, scheme: str = "light", touch: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            has_touch=touch,
            is_mobile=touch,
        )
        contexts.append(context)
        context.add_cookies([{"name": "clearml_token_basic", "value": token, "url": eventide.origins.query}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", hear)
        page.goto(f"{eventide.origins.query}/{address}")
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="wait")  # a handler may be in the middle of an answer
        context.close()
    assert complaints == []


def is_complaint(message: ConsoleMessage) -> bool:
    """Whether something is wrong: an error, but for the network that a test takes away."""
    return message.type == "error" and "ERR_INTERNET_DISCONNECTED" not in message.text


def data_of(body: str | None) -> dict[str, object]:
    """What a request of the page's said."""
    found: dict[str, object] = json.loads(body or "{}")
    return found
