"""One three-node Kafka and one ClickHouse for all tests here."""

from __future__ import annotations

import pytest

from tests.faults.system import Servers
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka import KafkaCluster


@pytest.fixture(scope="module")
def servers(
    kafka_cluster: KafkaCluster, clickhouse_local: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Servers:
    """What installations stand on."""
    return Servers(kafka_cluster, clickhouse_local, tmp_path_factory.mktemp("faults"))
