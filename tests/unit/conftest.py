"""Unit tests need no network, and cannot have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.network import closed_network


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Any use of the network fails the test, and fails it again at its end if the code under test swallowed that."""
    with closed_network():
        yield
