"""Two deployments on one host, in one browser: cookies know no ports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.deployment import Deployment, embedded

Two = tuple[Deployment, Deployment]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Each with users, and a key of tokens, of its own."""
    with ExitStack() as stack:

        def started(name: str) -> Deployment:
            directory: Path = tmp_path_factory.mktemp(name)
            return stack.enter_context(embedded(directory, {"TOKEN_SECRET": f"{name}, a secret that is long enough"}))

        yield started("first"), started("second")


def log_in(page: Page, deployment: Deployment) -> None:
    keys = deployment.credentials
    page.goto(f"{deployment.origins.query}/#login={keys.access_key}:{keys.secret_key}")
    expect(page.locator(".user")).to_have_text("admin")
    look(page, deployment)


def look(page: Page, deployment: Deployment) -> None:
    """Whoever looks is logged in there."""
    page.goto(f"{deployment.origins.query}/#/tasks")
    page.reload()
    expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    expect(page.locator(".user")).to_have_text("admin")


def test_who_logs_in_to_another_stays_logged_in(browser: Browser, two: Two) -> None:
    first, second = two
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, first)
        log_in(page, second)
        look(page, first)
        look(page, second)


def test_who_logs_out_of_one_stays_logged_in_to_the_other(browser: Browser, two: Two) -> None:
    first, second = two
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, first)
        log_in(page, second)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Access key")).to_be_visible()
        look(page, first)
        page.goto(f"{second.origins.query}/#/tasks")
        page.reload()
        expect(page.get_by_label("Access key")).to_be_visible()
