"""The audit log as administrators see it, and nobody else."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.access import id_of
from tests.harness.api import Api, until
from tests.harness.deployment import Deployment
from tests.page.firefox import PROGRAM, firefox

DELETED = 60  # tasks: more than a page of events
HOSTILE = '<img src=x onerror="window.hacked=1">'


@pytest.fixture(scope="module")
def admin(eventide: Deployment) -> Iterator[Api]:
    """An administrator of a company in which tasks were deleted, and a user acted for."""
    company = f"company {secrets.token_hex(4)}"
    keys = eventide.add_user(company, "an admin", "admin"), eventide.add_user(company, "a user")
    with Api(eventide.origins, keys[0]) as admin, Api(eventide.origins, keys[1]) as user:
        user.call("auth.create_credentials", label="x")
        user.raw("users.update", {"user": id_of(user), "name": HOSTILE})
        admin.raw("users.get_current_user", {}, headers={"X-Clearml-Act-As": id_of(user)})
        for _ in range(DELETED):
            admin.call("tasks.delete", task=admin.create_task(), force=True)
        until(lambda: len(admin.call("audit.get_all", events=["tasks.delete"])["events"]) == DELETED)
        yield admin


def opened(browser: Browser, client: Api, address: str) -> Page:
    """A page of somebody who is logged in."""
    context = browser.new_context()
    origin = client.origins.query
    context.add_cookies([{"name": "clearml_token_basic", "value": client.token, "url": origin}])
    page = context.new_page()
    page.goto(f"{origin}/{address}")
    return page


def test_events_are_shown_by_pages(browser: Browser, admin: Api) -> None:
    page = opened(browser, admin, "#/tasks")
    page.get_by_role("link", name="Audit log").click()
    rows = page.locator(".audit tbody tr")
    expect(rows).to_have_count(50)
    expect(page.get_by_role("button", name="Newer")).to_be_disabled()
    page.get_by_role("button", name="Older").click()
    expect(page.locator(".pages")).to_contain_text("51 to")
    expect(page.locator(".audit tbody")).to_contain_text("auth.create_credentials")
    page.reload()
    expect(page.locator(".pages")).to_contain_text("51 to")
    page.get_by_role("button", name="Newer").click()
    expect(rows).to_have_count(50)
    page.context.close()


def test_events_are_filtered_by_action_user_and_time(browser: Browser, admin: Api) -> None:
    page = opened(browser, admin, "#/audit")
    rows = page.locator(".audit tbody tr")
    page.get_by_label("Action").select_option("auth.impersonation")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("by an admin")
    expect(rows).to_contain_text("127.0.0.1")
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_label("Action").select_option("")
    page.get_by_role("combobox", name="User").fill("an admin")
    expect(page.locator(".audit tbody")).not_to_contain_text("auth.create_credentials")
    expect(rows).to_have_count(50)
    page.get_by_role("combobox", name="User").fill("no such user")
    expect(page.get_by_role("status")).to_have_text("No event matches.")
    page.get_by_role("combobox", name="User").fill("")
    page.get_by_label("From", exact=True).fill("2001-01-01T00:00")
    expect(rows).to_have_count(50)
    page.get_by_label("until").fill("2002-01-01T00:00")
    expect(page.get_by_role("status")).to_have_text("No event matches.")
    assert page.evaluate("window.hacked") is None
    page.context.close()


def test_others_are_told_that_it_is_not_theirs(browser: Browser, eventide: Deployment) -> None:
    with Api(eventide.origins, eventide.add_user(f"company {secrets.token_hex(4)}", "a user")) as user:
        page = opened(browser, user, "#/audit")
        expect(page.get_by_role("alert")).to_have_text(re.compile("Only administrators"))
        expect(page.locator(".user")).to_have_text("a user")
        expect(page.get_by_role("link", name="Audit log")).to_be_hidden()
        page.context.close()


@pytest.mark.skipif(not PROGRAM, reason="there is no Firefox (EVENTIDE_TEST_FIREFOX names one)")
def test_it_is_shown_in_firefox(tmp_path_factory: pytest.TempPathFactory, admin: Api) -> None:
    assert admin.credentials
    with firefox(tmp_path_factory.mktemp("firefox")) as window:
        keys = admin.credentials
        window.open(f"{admin.origins.query}/#login={keys.access_key}:{keys.secret_key}")
        window.until('document.querySelector(".user")?.textContent')
        window.open(f"{admin.origins.query}/#/audit?action=tasks.delete")
        window.until('document.querySelectorAll(".audit tbody tr").length === 50')
        assert not window.run('return document.querySelector("[role=alert]")?.textContent')
