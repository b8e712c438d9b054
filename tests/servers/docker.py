"""The same servers from their official images, where a Docker engine answers.

Images are pinned to the versions that run without Docker. Ports of the host are fixed, so that a container which was
killed is found at the same address when it starts again.
"""

from __future__ import annotations

import contextlib
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from tests.servers.kafka import BROKER_SETTINGS, CLUSTER_ID, LISTENER_SETTINGS, cluster_view, replication_settings
from tests.servers.kafka_jars import KAFKA_VERSION
from tests.servers.process import StartFailed, Unavailable, free_port

KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
CLICKHOUSE_IMAGE = "clickhouse/clickhouse-server:26.9"
POSTGRES_IMAGE = "postgres:17"
START_SECONDS = 90


def require_docker() -> None:
    """Raises Unavailable if no engine answers."""
    try:
        DockerClient().client.ping()
    except Exception as error:  # Docker's, requests' or the configuration's: all say the same
        raise Unavailable(f"no Docker engine: {error}") from error


@contextlib.contextmanager
def kafka_container() -> Iterator[str]:
    """One node of Apache Kafka, set up as those of `KafkaCluster`; yields its bootstrap address."""
    require_docker()
    port = free_port()
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
    address = f"{container.get_docker_client().host()}:{port}"
    for name, value in _kafka_environment(address).items():
        container.with_env(name, value)
    with container:
        _wait(container, lambda: cluster_view(address).brokers == {1})
        yield address


def _kafka_environment(address: str) -> dict[str, str]:
    # The node reaches itself at an address of its own: the one for clients need not exist inside the container.
    settings = {
        **BROKER_SETTINGS,
        **LISTENER_SETTINGS,
        **replication_settings(1),
        "node.id": "1",
        "controller.quorum.voters": "1@localhost:9093",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT",
        "listeners": "CLIENT://:9092,CONTROLLER://:9093,PLAINTEXT://:9094",
        "advertised.listeners": f"CLIENT://{address},PLAINTEXT://localhost:9094",
        "log.dirs": "/tmp/kafka-data",
    }
    variables = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
    return variables | {"CLUSTER_ID": CLUSTER_ID}


class ClickHouseContainer:
    """A real ClickHouse server with the methods of `ClickHouseServer`, but without faults: asking for one skips."""

    def __init__(self, container: DockerContainer, address: str) -> None:
        self._container = container
        self._address = address

    @property
    def url(self) -> str:
        """As EVENTIDE_CLICKHOUSE_URL takes it."""
        return f"http://default:@{self._address}/default"

    def start(self) -> None:
        """Also again after `stop` or `kill`, with the same rows."""
        self._container.get_wrapped_container().start()
        self.wait()

    def stop(self) -> int:
        """End in order."""
        self._container.get_wrapped_container().stop()
        return self._container.wait()

    def kill(self) -> None:
        """SIGKILL."""
        self._container.get_wrapped_container().kill()

    def pause(self) -> None:
        """Freeze it."""
        self._container.get_wrapped_container().pause()

    def resume(self) -> None:
        """Undo `pause`."""
        self._container.get_wrapped_container().unpause()

    def fault(self, **_: str | int) -> None:
        """Raises pytest's Skipped."""
        pytest.skip("a real ClickHouse server has no faults to inject; see the fixture clickhouse_local")

    def clear_faults(self) -> None:
        """There are none."""

    def wait(self) -> None:
        """Until it answers."""
        _wait(self._container, lambda: _http_ok(f"http://{self._address}/ping"))


@contextlib.contextmanager
def clickhouse_container() -> Iterator[ClickHouseContainer]:
    """A server with user `default` and no password."""
    require_docker()
    port = free_port()
    container = DockerContainer(CLICKHOUSE_IMAGE).with_bind_ports(8123, port)
    container.with_env("CLICKHOUSE_SKIP_USER_SETUP", "1")
    with container:
        server = ClickHouseContainer(container, f"{container.get_docker_client().host()}:{port}")
        server.wait()
        yield server


@contextlib.contextmanager
def postgres_container() -> Iterator[str]:
    """An empty database; yields its SQLAlchemy URL."""
    require_docker()
    with PostgresContainer(POSTGRES_IMAGE, driver="psycopg") as container:
        yield container.get_connection_url()


def _wait(container: DockerContainer, ready: Callable[[], bool]) -> None:
    until = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > until:
            output = b"".join(container.get_logs()).decode(errors="replace")
            raise StartFailed(f"{container.image} did not answer within {START_SECONDS} s:\n{output[-4000:]}")
        time.sleep(0.2)


def _http_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
