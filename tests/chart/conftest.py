"""helm, once for all tests here."""

from __future__ import annotations

import pytest

from tests.chart.render import Helm, find_helm


@pytest.fixture(scope="session")
def helm() -> Helm:
    return find_helm()
