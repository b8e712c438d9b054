"""helm, once for all tests here."""

from __future__ import annotations

import pytest

from tests.chart.render import Helm
from tests.servers.choice import give_up
from tests.servers.go_programs import helm as helm_program
from tests.servers.process import Unavailable


@pytest.fixture(scope="session")
def helm() -> Helm:
    """The helm of this machine, or one that is built. Skips where there is neither; in CI that fails."""
    try:
        return Helm(helm_program())
    except Unavailable as error:
        give_up(error)
