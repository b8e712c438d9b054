"""Quotas on the page: administrators see what is used of them, others do not see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.access import id_of
from tests.harness.api import Api
from tests.harness.deployment import Deployment
from tests.page.conftest import Open


@pytest.fixture
def limited(api: Api) -> Iterator[str]:
    """The first user, who may have twice the tasks that there are."""
    user = id_of(api)
    api.create_task()
    own = api.call("tasks.get_table", user=[user], limit=0, search_hidden=True)["total"]
    api.call("quotas.set", kind="tasks", scope="user", id=user, limit=2 * own)
    yield user
    api.call("quotas.unset", kind="tasks", scope="user", id=user)


def test_an_administrator_sees_what_is_used_of_quotas(visit: Open, api: Api, limited: str) -> None:
    page = visit("#/tasks")
    page.get_by_role("link", name="Quotas").click()
    line = page.locator(".quotas tbody tr", has_text="user admin")
    expect(line).to_contain_text("Tasks")
    expect(line).to_contain_text("50 %")
    api.call("quotas.unset", kind="tasks", scope="user", id=limited)
    expect(line).to_have_count(0)


def test_administrators_of_a_company_without_quotas_are_told_so(browser: Browser, eventide: Deployment) -> None:
    with opened_by(browser, eventide, "admin") as page:
        page.get_by_role("link", name="Quotas").click()
        expect(page.locator("main")).to_contain_text("Nobody is limited.")


def test_others_see_no_quotas(browser: Browser, eventide: Deployment) -> None:
    with opened_by(browser, eventide, "user") as page:
        expect(page.get_by_role("link", name="Quotas")).to_be_hidden()
        page.goto(f"{eventide.origins.query}/#/quotas")
        expect(page.locator("main")).to_contain_text("Only administrators")


@contextmanager
def opened_by(browser: Browser, eventide: Deployment, role: str) -> Iterator[Page]:
    """The page, opened by somebody of that role in a company of their own."""
    keys = eventide.add_user(f"a company of its own, {role}", "ann", role)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{eventide.origins.query}/#login={keys.access_key}:{keys.secret_key}")
        expect(page.locator("header .user")).to_have_text("ann")
        yield page
