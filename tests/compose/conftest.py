"""The images and the running project, once for all tests here."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.compose.engine import Docker, docker_engine
from tests.compose.images import provide_images
from tests.compose.project import Project
from tests.harness.api import Api, Origins
from tests.servers.process import Unavailable


@pytest.fixture(scope="package")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    """An engine with all images. Skips where there is none; as root in CI that fails."""
    directory = tmp_path_factory.mktemp("docker")
    try:
        with docker_engine(directory) as engine:
            provide_images(engine, directory)
            yield engine
    except Unavailable as error:
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="package")
def project(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """docker-compose.yml, up."""
    made = Project(docker, tmp_path_factory.mktemp("project"))
    made.write_secrets()
    try:
        made.compose("up", "-d")
        made.until_healthy(kafka=1, clickhouse=1, postgres=1, gateway=1, worker=1, query=1, files=1, nginx=1)
        yield made
    finally:
        made.compose("down", "-v", "--timeout", "5", check=False)


@pytest.fixture
def api(project: Project) -> Iterator[Api]:
    """The first user, through nginx."""
    address = f"http://127.0.0.1:{project.api_port}"
    with Api(Origins(address, address), project.credentials) as client:
        yield client
