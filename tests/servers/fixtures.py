"""pytest fixtures: one Kafka, ClickHouse and PostgreSQL per session, from whatever this machine has.

| fixture | what it is, first choice first |
|---|---|
| `kafka` | EVENTIDE_TEST_KAFKA (host:port,…) · Apache Kafka on this machine's Java · Docker |
| `kafka_cluster` | three nodes of Apache Kafka on this machine's Java, to be killed and paused; for one module |
| `clickhouse_server` | Docker · `clickhouse_http` (the same engine, chDB) |
| `clickhouse_local` | always `clickhouse_http`, to be killed, paused and made to fail |
| `postgres` | EVENTIDE_TEST_POSTGRES (SQLAlchemy URL) · the PostgreSQL that is installed · Docker |

Servers are shared: a test makes topics, databases and tables of its own, and leaves a server as it found it, up and
without faults. Where nothing is to be had the test is skipped, with the reasons; but with CI=true a Kafka that is not
to be had fails it. A server that does not come up fails it everywhere.

To use them: `pytest_plugins = ["tests.servers.fixtures"]` in a conftest or a test module. Nothing imports this module,
as pytest takes every import of a fixture for one more fixture, with a server of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.choice import Kafka, Postgres, first_of
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka import KafkaCluster
from tests.servers.postgres import PostgresServer
from tests.servers.process import Unavailable

if TYPE_CHECKING:
    from tests.servers.docker import ClickHouseContainer


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """One Kafka; topics have to be created."""
    directory = tmp_path_factory.mktemp("kafka")
    with first_of(_running_kafka, lambda: _local_kafka(directory), _docker_kafka, required=_in_ci()) as server:
        yield server


@pytest.fixture(scope="module")  # to keep it is dear, and one module has all the tests that harm it
def kafka_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Three nodes; a test that ends or pauses some has them up again at its end."""
    directory = tmp_path_factory.mktemp("kafka-cluster")
    with first_of(lambda: KafkaCluster(3, directory), required=_in_ci()) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def clickhouse_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ClickHouseServer | ClickHouseContainer]:
    """One ClickHouse; with Docker a test that asks it for a fault is skipped."""
    directory = tmp_path_factory.mktemp("clickhouse")
    with first_of(_docker_clickhouse, lambda: ClickHouseServer(directory), required=True) as server:
        yield server


@pytest.fixture(scope="session")
def clickhouse_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """One ClickHouse that has faults, wherever the tests run."""
    with ClickHouseServer(tmp_path_factory.mktemp("clickhouse-local")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One PostgreSQL."""
    log = tmp_path_factory.mktemp("postgres") / "server.log"
    with first_of(_running_postgres, lambda: _local_postgres(log), _docker_postgres, required=False) as server:
        yield server


def _in_ci() -> bool:
    return os.environ.get("CI") == "true"


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Unavailable(f"{name} is not set")
    return value


@contextmanager
def _running_kafka() -> Iterator[Kafka]:
    yield Kafka(_given("EVENTIDE_TEST_KAFKA"))


@contextmanager
def _local_kafka(directory: Path) -> Iterator[Kafka]:
    with KafkaCluster(1, directory) as cluster:
        yield Kafka(cluster.bootstrap)


@contextmanager
def _docker_kafka() -> Iterator[Kafka]:
    from tests.servers.docker import kafka_container  # half a second to import, for nothing where Docker is not needed

    with kafka_container() as bootstrap:
        yield Kafka(bootstrap)


@contextmanager
def _docker_clickhouse() -> Iterator[ClickHouseServer | ClickHouseContainer]:
    from tests.servers.docker import clickhouse_container

    with clickhouse_container() as server:
        yield server


@contextmanager
def _running_postgres() -> Iterator[Postgres]:
    yield Postgres(_given("EVENTIDE_TEST_POSTGRES"))


@contextmanager
def _local_postgres(log: Path) -> Iterator[Postgres]:
    with PostgresServer(log) as server:
        yield Postgres(server.url)


@contextmanager
def _docker_postgres() -> Iterator[Postgres]:
    from tests.servers.docker import postgres_container

    with postgres_container() as url:
        yield Postgres(url)
