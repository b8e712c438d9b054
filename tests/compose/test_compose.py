"""docker-compose.yml on a Docker engine, whole: written, read, scaled and recreated under load, with exact counts."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compose.engine import Docker
from tests.compose.load import METRICS, batches_in, check_counts, under_load
from tests.compose.project import Project
from tests.e2e.sdk import Sdk
from tests.harness.api import Api, until
from tests.harness.deployment import Deployment

TIERS = ("gateway", "worker", "query", "files")
WHAT_IS_RETRIED = {"200", "503", "ConnectError", "ReadError", "RemoteProtocolError", "WriteError"}


def batches_of(project: Project, gateway: str) -> float:
    """How many batches a gateway's container has answered 200."""
    return batches_in(project.docker.run("exec", gateway, "python", "-c", METRICS))


def test_what_is_written_is_read(api: Api) -> None:
    with under_load(api) as load:
        time.sleep(3)
    assert set(load.answers) == {"200"}
    check_counts(api, load)


def test_every_replica_of_a_scaled_tier_is_used(project: Project, api: Api) -> None:
    with under_load(api) as load:
        project.compose("up", "-d", "--no-recreate", *(f"--scale={tier}=3" for tier in ("gateway", "worker", "query")))
        project.until_healthy(gateway=3, worker=3, query=3)
        gateways = project.containers("gateway")
        project.until(lambda: all(batches_of(project, gateway) > 0 for gateway in gateways), "all gateways used")
        project.compose("up", "-d", "--no-recreate", *(f"--scale={tier}=1" for tier in ("gateway", "worker", "query")))
        project.until_healthy(gateway=1, worker=1, query=1)
        time.sleep(1)
    assert set(load.answers) <= WHAT_IS_RETRIED, load.answers
    check_counts(api, load)


def test_every_container_is_recreated_under_load(project: Project, api: Api) -> None:
    with under_load(api) as load:
        project.compose("up", "-d", "--no-deps", "--force-recreate", *TIERS)
        project.until_healthy(gateway=1, worker=1, query=1, files=1)
        project.compose("up", "-d", "--no-deps", "--force-recreate", "nginx")
        project.until_healthy(nginx=1)
        for service in ("clickhouse", "postgres", "kafka"):
            project.compose("up", "-d", "--no-deps", "--force-recreate", service)
            project.until_healthy(**{service: 1})
        project.until_healthy(gateway=1, worker=1, query=1)
        written = load.batches
        project.until(lambda: load.batches > written + 3, "written to again")
    assert set(load.answers) <= WHAT_IS_RETRIED, load.answers
    check_counts(api, load)


def test_prometheus_finds_every_replica_and_alertmanager(project: Project) -> None:
    watched = ["--scale=query=2", "query", "prometheus", "alertmanager"]
    project.compose("--profile", "observe", "up", "-d", "--no-recreate", *watched)
    project.until_healthy(query=2, prometheus=1, alertmanager=1)
    api = f"http://127.0.0.1:{project.prometheus_port}/api/v1"

    def asked(call: str) -> dict[str, Any]:
        return dict(httpx.get(f"{api}/{call}").json()["data"])

    def jobs_up() -> list[str]:
        return sorted(one["labels"]["job"] for one in asked("targets")["activeTargets"] if one["health"] == "up")

    project.until(lambda: jobs_up() == sorted([*TIERS, "query", "prometheus"]), "every replica scraped")
    assert len(asked("alertmanagers")["activeAlertmanagers"]) == 1
    alerts = [rule for group in asked("rules")["groups"] for rule in group["rules"] if rule["type"] == "alerting"]
    assert len(alerts) > 20
    project.compose("--profile", "observe", "rm", "-s", "-f", "prometheus", "alertmanager")
    project.compose("up", "-d", "--no-recreate", "--scale=query=1", "query")


def test_the_sdk_reports_images_through_nginx(project: Project, api: Api, tmp_path: Path) -> None:
    files = f"http://127.0.0.1:{project.files_port}"
    sdk = Sdk(Deployment("distributed", api.origins, files, project.credentials, {}, {}), tmp_path)
    read = sdk.run("train")
    sdk.close()
    images = [event for event in api.events(read["task"], "training_debug_image") if event["url"].startswith(files)]
    assert len(images) >= 4
    assert files == str(httpx.URL(images[0]["url"]).copy_with(path="")).rstrip("/")
    auth = (project.credentials.access_key, project.credentials.secret_key)
    for image in images:
        answer = httpx.get(image["url"], auth=auth)
        assert (answer.status_code, bool(answer.content)) == (200, True), image["url"]


def test_the_image_alone_runs_on_a_new_volume(docker: Docker, project: Project) -> None:
    volume = f"{project.name}-alone:/var/lib/eventide/data"
    container = docker.run("run", "-d", "-v", volume, "eventide").strip()
    try:
        ready = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8008/readyz', timeout=3)"
        command = ["docker", "exec", container, "python", "-c", ready]
        project.until(lambda: docker.attempt(command, seconds=20, check=False).returncode == 0, "ready")
    finally:
        docker.run("rm", "-f", "-v", container)
        docker.run("volume", "rm", volume.partition(":")[0])


def test_the_slim_image_says_what_it_lacks(docker: Docker) -> None:
    done = docker.attempt(["docker", "run", "--rm", "eventide:tiers", "up"], seconds=60, check=False)
    assert (done.returncode, "eventide: `eventide up` needs chDB" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_has_its_own_secrets_and_no_root(project: Project, tier: str) -> None:
    (container,) = project.containers(tier)
    variables = set(re.findall(r"^(\w+)=", project.docker.run("exec", container, "env"), re.MULTILINE))
    needed = {
        "gateway": {"EVENTIDE_REGISTRY_URL"},
        "worker": {"EVENTIDE_CLICKHOUSE_URL"},
        "query": {"EVENTIDE_REGISTRY_URL", "EVENTIDE_CLICKHOUSE_URL"},
        "files": {"EVENTIDE_REGISTRY_URL"},
    }[tier]
    secret = {"EVENTIDE_REGISTRY_URL", "EVENTIDE_CLICKHOUSE_URL", "EVENTIDE_SECRET_KEY", "EVENTIDE_WEB_SECRET_KEY"}
    assert variables & secret == needed
    assert project.docker.run("exec", container, "id", "-u").strip() == "10001"


def test_tiers_tell_clients_from_nginx(project: Project, api: Api) -> None:
    """Limits are those of an address: of nginx's all clients would share one."""
    key = secrets.token_hex(8)
    assert httpx.get(f"{api.origins.query}/auth.login", auth=(key, "wrong")).status_code == 401
    (container,) = project.containers("nginx")
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    own = project.docker.run("inspect", "-f", form, container).split()

    def told() -> list[str]:
        events = api.call("audit.get_all", events=["auth.failure"])["events"]
        return [event["address"] for event in events if event["details"]["access_key"] == key]

    assert own
    assert not set(until(told)) & {*own, ""}


def test_nothing_of_the_api_is_open_to_other_machines(project: Project) -> None:
    (container,) = project.containers("nginx")
    bound = project.docker.run("port", container).splitlines()
    assert len(bound) == 2
    assert all(" -> 127.0.0.1:" in line for line in bound)
