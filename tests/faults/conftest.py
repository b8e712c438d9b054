"""One three-node Kafka, one ClickHouse and one installation on them for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.system import Servers, System
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka import KafkaCluster


@pytest.fixture(scope="session")
def installation(
    kafka_cluster: KafkaCluster, clickhouse_local: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Two of each process."""
    with System(Servers(kafka_cluster, clickhouse_local, tmp_path_factory.mktemp("faults"))) as system:
        yield system


@pytest.fixture
def system(installation: System) -> System:
    """The installation, with everything up again, whatever the test before did."""
    installation.heal()
    return installation
