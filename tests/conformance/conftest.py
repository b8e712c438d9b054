"""What the tests of the web application share: it in a browser, and somebody who is logged in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.harness.browser import Browser, log_in
from tests.harness.deployment import Deployment


@pytest.fixture
def browser(eventide: Deployment) -> Iterator[Browser]:
    """Nobody is logged in."""
    made = Browser(eventide.origins)
    yield made
    made.client.close()


@pytest.fixture
def person(browser: Browser) -> Browser:
    """Someone new is logged in, the way the application does it."""
    log_in(browser, f"Ada {secrets.token_hex(4)}")
    return browser
