"""The button that logs people in by an OpenID Connect provider, in real browsers, at both names of this machine.

To the provider at ``localhost`` the page of 127.0.0.1 is another site, and that of ``localhost`` the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.deployment import Deployment, embedded
from tests.page.firefox import PROGRAM, firefox
from tests.page.uploads import port_of
from tests.servers.oidc import CLIENT_ID, CLIENT_SECRET, OidcServer, oidc_server

HOSTS = pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
SETTINGS = {"OIDC_CLIENT_ID": CLIENT_ID, "OIDC_CLIENT_SECRET": CLIENT_SECRET, "OIDC_GROUP_MAP": "team=acme:admin"}


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcServer]:
    with oidc_server() as server:
        server.set_user("ann", name="Ann A.", groups=["team"])
        server.set_user("bob", name="Bob B.", groups=["others"])
        yield server


@pytest.fixture(scope="module")
def deployment(provider: OidcServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with embedded(tmp_path_factory.mktemp("sso"), SETTINGS | {"OIDC_ISSUER": provider.issuer}) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Somebody's browser, in which nobody is logged in."""
    with browser.new_context() as context:
        yield context.new_page()


def origin(deployment: Deployment, host: str) -> str:
    return f"http://{host}:{port_of(deployment.origins.query)}"


def press(page: Page, address: str) -> None:
    """Go to the provider by the button."""
    page.goto(address)
    page.get_by_role("link", name="Single sign-on").click()
    expect(page.get_by_role("heading", name="Authorize Client")).to_be_visible()


def consent(page: Page, subject: str) -> None:
    page.locator("input[name=sub]").fill(subject)
    page.get_by_role("button", name="Authorize").click()


@HOSTS
def test_the_button_logs_in_and_who_leaves_may_come_again(page: Page, deployment: Deployment, host: str) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    address = origin(deployment, host)
    for _ in range(2):
        press(page, address)
        consent(page, "ann")
        expect(page.locator("header .user")).to_have_text("Ann A.")
        expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        assert page.url.startswith(f"{address}/")
        assert "code" not in page.url
        page.reload()
        page.get_by_role("link", name="Audit log").click()
        expect(page.locator("main")).to_contain_text("auth.login")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Access key")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Access key")).to_be_visible()
    assert complaints == []


@HOSTS
def test_who_is_in_no_group_or_denied_is_told_so(page: Page, deployment: Deployment, host: str) -> None:
    address = origin(deployment, host)
    press(page, address)
    consent(page, "bob")
    expect(page.get_by_text("None of your groups may use this server")).to_be_visible()
    page.get_by_role("link", name="To the start").click()
    expect(page.get_by_label("Access key")).to_be_visible()
    press(page, address)
    page.get_by_role("button", name="Deny").click()  # it comes back without the state: nobody is told who denied
    expect(page.get_by_role("heading", name="Error 401")).to_be_visible()
    page.get_by_role("link", name="To the start").click()
    expect(page.get_by_label("Access key")).to_be_visible()


@pytest.mark.skipif(not PROGRAM, reason="there is no Firefox (EVENTIDE_TEST_FIREFOX names one)")
def test_the_button_logs_in_with_firefox(deployment: Deployment, tmp_path: Path) -> None:
    with firefox(tmp_path) as window:
        for host in ("127.0.0.1", "localhost"):
            window.open(f"{origin(deployment, host)}/#/tasks")
            window.until("document.querySelector(\"a[href='login/oidc']\")")
            window.run("document.querySelector(\"a[href='login/oidc']\").click()")
            window.until('document.querySelector("input[name=sub]")')
            window.run('document.querySelector("input[name=sub]").value = "ann"')
            window.run('document.querySelector("button[type=submit]").click()')
            assert window.until('document.querySelector("header .user")?.textContent') == "Ann A."
            assert window.run("return location.host") == f"{host}:{port_of(deployment.origins.query)}"
