"""Clusters for the tests here, which `make kube` runs: they are built for a quarter of an hour the first time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chart.render import Helm, find_helm
from tests.kube.control_plane import Place, control_plane
from tests.kube.kubectl import Cluster
from tests.servers.choice import give_up
from tests.servers.process import Unavailable


@pytest.fixture(scope="session")
def helm() -> Helm:
    """helm without a cluster."""
    return find_helm()


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server without nodes."""
    try:
        with control_plane(tmp_path_factory.mktemp("api"), Place()) as cluster:
            yield cluster
    except Unavailable as error:
        give_up(error)
