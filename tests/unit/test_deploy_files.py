"""docker-compose.yml, the Dockerfile and nginx.conf fit the code. There is no Docker engine in the tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.commands import COMMANDS
from ingest.app import endpoints as write_endpoints
from query.app import endpoints as read_endpoints
from schema.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OWN = ("migrate", "gateway", "worker", "query")
MAP_LINE = re.compile(r"^\s*(~\S+|default)\s+(\w+);", re.MULTILINE)


def upstreams() -> list[tuple[str, str]]:
    """The map of nginx.conf: (pattern, upstream)."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    block = re.search(r"map \$uri \$tier \{(.*?)\n    \}", text, re.DOTALL)
    assert block
    return MAP_LINE.findall(block[1])


def upstream_of(path: str) -> str:
    """Where nginx sends a path."""
    patterns = [(pattern.removeprefix("~"), tier) for pattern, tier in upstreams() if pattern != "default"]
    return next((tier for pattern, tier in patterns if re.search(pattern, path)), dict(upstreams())["default"])


@pytest.mark.parametrize("prefix", ["/", "/v2.34/", "/api/v999.0/", "/api/"])
def test_nginx_sends_every_call_to_its_tier(prefix: str) -> None:
    wrong = [e.name for e in write_endpoints if upstream_of(prefix + e.name) != "gateway"]
    wrong += [e.name for e in read_endpoints if upstream_of(prefix + e.name) != "query"]
    assert wrong == []


@pytest.mark.parametrize("service", OWN)
def test_compose_runs_commands_that_exist(service: str) -> None:
    assert SERVICES[service]["command"][0] in COMMANDS


def test_compose_sets_settings_that_exist() -> None:
    names = {name for service in OWN for name in SERVICES[service]["environment"]}
    assert {name.removeprefix(PREFIX).lower() for name in names} <= Settings.model_fields.keys()


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "migrate"])
def test_compose_services_restart_and_say_whether_they_are_healthy(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert SERVICES[service]["healthcheck"]["test"]


def test_compose_depends_on_services_that_exist() -> None:
    named = {name for service in SERVICES.values() for name in service.get("depends_on", {})}
    assert named <= SERVICES.keys()
    assert {
        volume.partition(":")[0] for s in SERVICES.values() for volume in s.get("volumes", ()) if volume[0] != "."
    } == set(COMPOSE["volumes"])


def test_the_image_copies_every_package_and_runs_as_nobody_special() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    for package in ("schema", "ingest", "query", "deploy"):
        assert f"COPY {package} {package}" in text
    assert re.search(r"^USER \d+", text, re.MULTILINE)
