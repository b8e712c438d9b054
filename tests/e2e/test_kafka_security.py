"""Kafka over TLS and with names: every process writes and reads so, and each refusal ends it with one clear line."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic

from deploy import kafka
from ingest.kafka import producer as producer_module
from ingest.kafka.admin import admin
from ingest.kafka.brokers import Brokers
from ingest.kafka.producer import Message, Producer
from schema.errors import Unavailable
from schema.settings import read_settings
from tests.harness.api import Api
from tests.harness.deployment import attempt_eventide, distributed, environment_with
from tests.harness.events import scalar
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka_secure import PASSWORD, USER, SecureKafka
from tests.servers.process import Unavailable as NotToBeHad
from tests.servers.tls import tls_in_front_of

Security = dict[str, str]
BOUND_SECONDS = 60  # of a start that is refused, most of which is Python's imports on a busy machine


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    try:
        with SecureKafka(tmp_path_factory.mktemp("secure-kafka")) as running:
            yield running
    except NotToBeHad as error:
        pytest.skip(str(error))


def sasl(broker: SecureKafka, mechanism: str, protocol: str = "SASL_SSL", password: str = PASSWORD) -> Security:
    settings = {"SECURITY_PROTOCOL": protocol, "SASL_MECHANISM": mechanism}
    settings |= {"SASL_USERNAME": USER, "SASL_PASSWORD": password, "BOOTSTRAP": broker.at(protocol)}
    return settings | ({"CA": broker.file("server/cert.pem")} if protocol == "SASL_SSL" else {})


def mutual(broker: SecureKafka, client: str = "client") -> Security:
    cert, key = (broker.file(f"{client}/{name}.pem") for name in ("cert", "key"))
    ca = broker.file("server/cert.pem")
    return {"SECURITY_PROTOCOL": "SSL", "BOOTSTRAP": broker.at("SSL"), "CA": ca, "CERT": cert, "KEY": key}


def oauth(broker: SecureKafka, directory: Path, *, seconds: float = 3600) -> Security:
    (directory / "token").write_text(unsigned_token(seconds))
    settings = {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "OAUTHBEARER", "BOOTSTRAP": broker.at("SASL_SSL")}
    return settings | {"CA": broker.file("server/cert.pem"), "OAUTH_TOKEN_PATH": str(directory / "token")}


def unsigned_token(seconds: float) -> str:
    now = time.time()
    parts = ({"alg": "none"}, {"sub": "eventide", "iat": now - 7200, "exp": now + seconds})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), ""])


def named(security: Security) -> dict[str, str]:
    """The settings by their names without EVENTIDE_."""
    return {f"KAFKA_{name}": value for name, value in security.items()}


def brokers_of(security: Security) -> Brokers:
    return kafka.brokers(read_settings({f"EVENTIDE_{name}": value for name, value in named(security).items()}, {}))


@contextmanager
def token_endpoint(directory: Path, status: int = 200) -> Iterator[tuple[str, Path, list[str]]]:
    """The URL of one that speaks TLS, the file that verifies it, and what it is asked with."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.headers["Authorization"])
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": unsigned_token(3600), "expires_in": 3600}).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with tls_in_front_of(server.server_port, directory) as (port, ca):
            yield f"https://127.0.0.1:{port}/token", ca, asked
        server.shutdown()


@pytest.mark.parametrize("way", ["SCRAM-SHA-512", "OAUTHBEARER", "client certificate"])
def test_a_write_is_applied_and_read(
    way: str, broker: SecureKafka, clickhouse_server: ClickHouseServer, tmp_path: Path
) -> None:
    ways = {"OAUTHBEARER": lambda: oauth(broker, tmp_path), "client certificate": lambda: mutual(broker)}
    security = ways.get(way, lambda: sasl(broker, way))()
    with (
        distributed(tmp_path, security["BOOTSTRAP"], clickhouse_server.url, named(security)) as deployment,
        Api(deployment.origins, deployment.credentials) as api,
    ):
        task = api.create_task()
        api.add(*(scalar(task, number) for number in range(3)))
        assert len(api.events(task)) == 3
        api.call("events.delete_for_task", task=task, allow_locked=True)  # answered when a worker has applied it
        assert api.events(task) == []
        assert "4 partitions" in deployment.command("topics")
        assert deployment.command("dlq", "list") == ""


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_mechanisms_with_passwords(broker: SecureKafka, mechanism: str) -> None:
    asyncio.run(send_one(brokers_of(sasl(broker, mechanism))))


def test_names_without_tls(broker: SecureKafka) -> None:
    asyncio.run(send_one(brokers_of(sasl(broker, "SCRAM-SHA-256", "SASL_PLAINTEXT"))))


def test_tokens_of_a_token_endpoint(broker: SecureKafka, tmp_path: Path) -> None:
    with token_endpoint(tmp_path) as (url, ca, asked):
        both = tmp_path / "both.pem"
        both.write_text(ca.read_text() + Path(broker.file("server/cert.pem")).read_text())
        security = sasl(broker, "OAUTHBEARER", password="p:w") | {"OAUTH_URL": url, "OAUTH_SCOPE": "k", "CA": str(both)}
        asyncio.run(send_one(brokers_of(security)))
    basic = base64.b64encode(f"{USER}:p%3Aw".encode()).decode()
    assert asked == [f"Basic {basic}", "grant_type=client_credentials&scope=k"]  # once, for several connections


async def send_one(brokers: Brokers) -> None:
    topic = f"secure-{secrets.token_hex(4)}"
    async with admin(brokers) as client:
        await client.create_topics([NewTopic(topic, 1, 1)])
    producer = Producer(brokers, 1 << 20, 20)
    try:
        await producer.connected(20)
        await producer.check()
        (receipt,) = await producer.send([Message(topic, 0, b"", b"x", {})])
        assert receipt.offset == 0
    finally:
        await producer.close()


Refusal = tuple[Security, str]


def refusals(broker: SecureKafka, directory: Path) -> dict[str, Refusal]:
    other = {"CA": broker.file("other/cert.pem")}
    no_certificate = {name: value for name, value in mutual(broker).items() if name not in ("CERT", "KEY")}
    return {
        "a wrong password": (sasl(broker, "PLAIN", password="hidden, and wrong"), "KAFKA_SASL"),
        "a wrong password of SCRAM": (sasl(broker, "SCRAM-SHA-512", password="hidden, and wrong"), "KAFKA_SASL"),
        "a token that has ended": (oauth(broker, directory, seconds=-3600), "KAFKA_SASL"),
        "a mechanism that is off": (sasl(broker, "PLAIN", "SASL_PLAINTEXT"), "KAFKA_SASL_MECHANISM"),
        "no name": (mutual(broker) | {"BOOTSTRAP": broker.at("SASL_SSL")}, "KAFKA_SECURITY_PROTOCOL"),
        "a broker that is not known": (sasl(broker, "PLAIN") | other, "KAFKA_CA"),
        "no client certificate": (no_certificate, "KAFKA_CERT"),
        "a client that is not known": (mutual(broker, "other"), "KAFKA_CERT"),
    }


WAYS = (
    "a wrong password",
    "a wrong password of SCRAM",
    "a token that has ended",
    "a mechanism that is off",
    "no name",
    "a broker that is not known",
    "no client certificate",
    "a client that is not known",
)


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_ends_a_process_with_one_line(way: str, broker: SecureKafka, tmp_path: Path) -> None:
    security, setting = refusals(broker, tmp_path)[way]
    check_ends("migrate", security, setting, tmp_path)


@pytest.mark.parametrize("command", ["gateway", "worker", "topics", "dlq list"])
def test_every_command_that_uses_kafka_ends_so(command: str, broker: SecureKafka, tmp_path: Path) -> None:
    security, setting = refusals(broker, tmp_path)["a wrong password"]
    check_ends(command, security, setting, tmp_path)


def check_ends(command: str, security: Security, setting: str, directory: Path) -> None:
    settings = {"DATA_DIR": str(directory), "CLICKHOUSE_URL": "http://127.0.0.1:1/x", "PORT": "0"} | named(security)
    started = time.monotonic()
    ended = attempt_eventide(command.split(), environment_with(settings))
    assert time.monotonic() - started < BOUND_SECONDS
    assert ended.returncode == 2, ended.stderr
    said = [line for line in ended.stderr.splitlines() if line.startswith("eventide: EVENTIDE_")]
    assert len(said) == 1, ended.stderr
    assert f"EVENTIDE_{setting}" in said[0]
    assert "Traceback" not in ended.stderr
    assert "hidden" not in ended.stderr


def test_brokers_that_are_away_are_no_refusal(broker: SecureKafka) -> None:
    away = sasl(broker, "PLAIN") | {"BOOTSTRAP": "127.0.0.1:1"}
    settings = read_settings({f"EVENTIDE_{name}": value for name, value in named(away).items()}, {})
    assert asyncio.run(kafka.let_in(settings)).bootstrap == "127.0.0.1:1"


def test_a_producer_that_is_refused_later_says_so_and_is_not_alive(
    broker: SecureKafka, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a change of the password: the process is started again, with that of today."""
    monkeypatch.setattr(producer_module, "REFUSED_SECONDS", 0.5)

    async def refused() -> None:
        producer = Producer(brokers_of(sasl(broker, "PLAIN", password="wrong")), 1 << 20, 20)
        try:
            await asyncio.sleep(4)
            with pytest.raises(Unavailable, match="refuses"):
                await producer.check_alive()
        finally:
            await producer.close()

    with caplog.at_level(logging.WARNING, "eventide"):
        asyncio.run(refused())
    (said,) = [record.getMessage() for record in caplog.records if record.name == "eventide.producer"]
    assert "EVENTIDE_KAFKA_SASL" in said
