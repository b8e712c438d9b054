"""What all tests share: a running Eventide, and who talks to it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.harness.api import Api
from tests.harness.deployment import Deployment, distributed, embedded
from tests.harness.front import fronted
from tests.servers.postgres import new_database

pytest_plugins = ["tests.servers.fixtures"]

# The same examples in every run; `--hypothesis-profile=random` looks for others.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("random", settings.get_profile("fixed"), derandomize=False)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def eventide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One deployment for all tests, of the kind that EVENTIDE_TEST_MODE names."""
    mode, directory = os.environ.get("EVENTIDE_TEST_MODE", "embedded"), tmp_path_factory.mktemp("eventide")
    if mode == "embedded":
        with embedded(directory) as deployment:
            yield deployment
    elif separate := {"distributed": distributed, "fronted": fronted}.get(mode):
        servers = request.getfixturevalue("kafka").bootstrap, request.getfixturevalue("clickhouse_server").url
        with separate(directory, *servers, _registry(request)) as deployment:
            yield deployment
    else:
        pytest.fail(f"EVENTIDE_TEST_MODE is {mode}: not embedded, distributed or fronted", pytrace=False)


def _registry(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a registry of its own on PostgreSQL, as production has it; none where that is not to be had."""
    try:
        return {"REGISTRY_URL": new_database(request.getfixturevalue("postgres").url)}
    except pytest.skip.Exception:
        return {}


@pytest.fixture(scope="session")
def api(eventide: Deployment) -> Iterator[Api]:
    """The first user, of role root."""
    with Api(eventide.origins, eventide.credentials) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(eventide: Deployment) -> Iterator[Api]:
    """A user of another company."""
    with Api(eventide.origins, eventide.add_user(f"strangers-{secrets.token_hex(4)}", "stranger")) as client:
        yield client


@pytest.fixture(scope="session")
def nobody(eventide: Deployment) -> Iterator[Api]:
    """A client without credentials."""
    with Api(eventide.origins, None) as client:
        yield client


@pytest.fixture
def task(api: Api) -> str:
    """A new task of the first user's."""
    return api.create_task()


@pytest.fixture
def model(api: Api) -> str:
    """A new, unlocked model of the first user's."""
    return api.create_model()
