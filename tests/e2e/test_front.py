"""The tiers behind one address, which is what an SDK knows: nginx with the configuration of ``deploy``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e import test_trackio as trackio
from tests.e2e import test_wandb as wandb
from tests.e2e.sdk import Sdk
from tests.e2e.test_mlflow import check, result_of
from tests.faults.topic import records
from tests.harness.api import Api, until
from tests.harness.deployment import MAX_BODY_BYTES, Deployment
from tests.harness.events import scalar
from tests.harness.front import fronted
from tests.servers.choice import Kafka
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.nginx import OWN_ADDRESS
from tests.servers.process import Unavailable

OF_A_RUN = {"task", "model", "found by name", "console", "comment"}


@pytest.fixture(scope="module")
def front(
    kafka: Kafka, clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Separate processes, both tiers at the same address."""
    directory = tmp_path_factory.mktemp("front")
    try:
        with fronted(directory, kafka.bootstrap, clickhouse_server.url) as deployment:
            yield deployment
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def one_address(front: Deployment) -> Iterator[Api]:
    """The first user."""
    with Api(front.origins, front.credentials) as client:
        yield client


def test_calls_reach_their_tiers(one_address: Api) -> None:
    task = one_address.create_task()
    one_address.add(scalar(task, 1, 0.5))
    for prefix in ("", "/api", "/api/v2.34", "/v2.1"):
        url = f"{one_address.origins.query}{prefix}/events.scalar_metrics_iter_histogram"
        assert one_address.ask(url, {"task": task}).json()["data"]["m"]["v"]["x"] == [1]
    answer = one_address.ask(url, {"task": task}, method="GET")
    assert (answer.json()["data"]["m"]["v"]["x"], answer.headers["Server"]) == ([1], "clearml")


def test_a_request_has_one_id_in_nginx_the_answer_and_its_records(
    front: Deployment, one_address: Api, kafka: Kafka
) -> None:
    task = one_address.create_task()
    chosen = "c" * 32
    answer = one_address.raw_batch([scalar(task, 1, 0.5)], headers={"X-Request-Id": chosen})
    assert answer.status_code == 200, answer.text
    known = answer.json()["meta"]["id"]
    assert known != chosen
    told = {found.headers["request_id"].decode() for found in records(kafka.bootstrap, topic_of(front))}
    assert known in told
    assert chosen not in told


def test_only_a_proxy_gives_a_request_its_id(front: Deployment, one_address: Api) -> None:
    assert front.tiers
    chosen = "c" * 32

    def id_from(address: str, told: str) -> str:
        with httpx.Client(transport=httpx.HTTPTransport(local_address=address)) as client:
            headers = {"X-Request-Id": told, "Authorization": f"Bearer {one_address.token}"}
            body = client.post(f"{front.tiers.query}/users.get_current_user", headers=headers).json()  # type: ignore[union-attr]
        return str(body["meta"]["id"])

    assert id_from(OWN_ADDRESS, chosen) == chosen
    assert id_from("127.0.0.1", chosen) != chosen
    assert id_from(OWN_ADDRESS, "no id\tat all") != "no id\tat all"


def topic_of(deployment: Deployment) -> str:
    """The events topic."""
    return deployment.environment["EVENTIDE_KAFKA_TOPIC"]


def test_refusals_keep_their_envelope(one_address: Api) -> None:
    assert one_address.fail("events.unknown") == (404, 0)
    assert one_address.raw_batch(["x" * (MAX_BODY_BYTES + 1)]).status_code == 413


def test_clients_are_told_apart_and_cannot_choose_their_address(front: Deployment, one_address: Api) -> None:
    """Limits are those of an address: of nginx's all would share one, of a forged one nobody would have any."""
    key = secrets.token_hex(8)
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as client:
        for forged in ({}, {"X-Forwarded-For": "6.6.6.6"}, {"X-Forwarded-For": "6.6.6.6, 127.0.0.3"}):
            for origin in (front.origins.query, front.files):
                answer = client.get(f"{origin}/auth.login", auth=(key, secrets.token_hex(8)), headers=forged)
                assert answer.status_code == 401

    def told() -> list[str]:
        events = one_address.call("audit.get_all", events=["auth.failure"])["events"]
        return [event["address"] for event in events if event["details"]["access_key"] == key]

    assert until(lambda: told() if len(told()) == 6 else []) == ["127.0.0.2"] * 6


@pytest.mark.parametrize(("client", "connection"), [("clearml-2.1.0", "close"), ("", "keep-alive")])
def test_connections_of_the_sdk_are_not_kept(one_address: Api, client: str, connection: str) -> None:
    task = one_address.create_task()
    for action in ("events.add", "tasks.get_by_id"):
        url = f"{one_address.origins.query}/{action}"
        answer = one_address.ask(url, scalar(task, 1, 0.5) | {"task": task}, headers={"X-Clearml-Client": client})
        assert (answer.status_code, answer.headers["Connection"]) == (200, connection)


@pytest.mark.parametrize(("is_sdk", "connection"), [(True, "close"), (False, "keep-alive")])
def test_connections_of_the_sdk_to_its_files_are_not_kept(
    front: Deployment, one_address: Api, is_sdk: bool, connection: str
) -> None:
    headers = {"Authorization": f"Bearer {one_address.token}"} if is_sdk else {}
    for address in (f"{front.origins.query}/files", front.files):
        answer = httpx.get(f"{address}/nothing", headers=headers)
        assert answer.headers["Connection"] == connection


def test_mlflows_sdk_reads_back_what_it_logged(front: Deployment, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Through Kafka: what a call has logged can be read by the next."""
    assert pytestconfig.cache
    check(result_of("mlflow_quick_start", front, pytestconfig.cache, tmp_path))


def test_trackios_sdk_logs_through_kafka(
    front: Deployment, one_address: Api, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    assert pytestconfig.cache
    task = trackio.quick_start(front, pytestconfig.cache, tmp_path)
    trackio.check(one_address, task)
    assert trackio.image_of(one_address, task).content.startswith(b"\x89PNG")


def test_wandbs_sdk_logs_through_kafka(one_address: Api, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    assert pytestconfig.cache
    task = wandb.quick_start(one_address, pytestconfig.cache, tmp_path)
    wandb.check(one_address, task)
    wandb.check_files(one_address, task)


def test_the_sdk_reads_back_the_same_from_either(front: Deployment, eventide: Deployment, tmp_path: Path) -> None:
    sdks = {"front": Sdk(front, tmp_path / "front"), "alone": Sdk(eventide, tmp_path / "alone")}
    for name, sdk in sdks.items():
        sdk.start(name, lambda sdk=sdk: sdk.run("train"))  # type: ignore[misc]
    sdks["front"].start("two", lambda: sdks["front"].run("two_processes"))
    here, alone = (sdk.wait(name) for name, sdk in sdks.items())
    for field in alone.keys() - OF_A_RUN:
        assert here[field] == alone[field], field
    assert sdks["front"].wait("two")["curves"] == {"parent": list(range(300)), "child": list(range(300))}
    for sdk in sdks.values():
        sdk.close()
