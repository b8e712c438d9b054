"""docker-compose.yml, the Dockerfile and nginx.conf fit the code. tests/compose runs them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.commands import COMMANDS
from ingest.app import endpoints as write_endpoints
from query.app import endpoints as read_endpoints
from schema.adapters.mlflow import MODEL_CALLS, MlflowDialect
from schema.adapters.trackio import TrackioDialect
from schema.adapters.wandb import WandbDialect
from schema.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OBSERVERS = ("prometheus", "alertmanager", "grafana")
OWN = ("migrate", "gateway", "worker", "query", "files")
SECRETS = ("*SECRET_KEY", "TOKEN_SECRET", "CLICKHOUSE_URL", "REGISTRY_URL", "KAFKA_BOOTSTRAP")
NEEDED = {
    "migrate": {"SECRET_KEY", "WEB_SECRET_KEY", "CLICKHOUSE_URL", "REGISTRY_URL", "KAFKA_BOOTSTRAP"},
    "gateway": {"REGISTRY_URL", "KAFKA_BOOTSTRAP", "TOKEN_SECRET"},
    "worker": {"CLICKHOUSE_URL", "KAFKA_BOOTSTRAP"},
    "query": {"CLICKHOUSE_URL", "REGISTRY_URL", "TOKEN_SECRET"},
    "files": {"REGISTRY_URL", "TOKEN_SECRET"},
}
OPTIONAL = {
    "EVENTIDE_ACCESS_KEY",
    "EVENTIDE_WEB_ACCESS_KEY",
    "EVENTIDE_WEB_SECRET_KEY",
}  # a default is no secret
PLACES = {
    "EVENTIDE_REVISION",
    "EVENTIDE_ALLOWED_HOSTS",
    "EVENTIDE_ALLOWED_ORIGINS",
    "EVENTIDE_WEB_LOGIN",
    "EVENTIDE_PROMETHEUS_PORT",
    "EVENTIDE_ALERTMANAGER_PORT",
    "EVENTIDE_GRAFANA_PORT",
    "EVENTIDE_TRACE_ENDPOINT",
    "EVENTIDE_TRACE_RATIO",
    "EVENTIDE_BIND",
    "EVENTIDE_API_PORT",
    "EVENTIDE_FILES_PORT",
}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
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


def test_nginx_sends_the_calls_of_trackio_to_the_tiers_of_their_endpoints() -> None:
    for tier, table in (("gateway", write_endpoints), ("query", read_endpoints)):
        for name in (endpoint.name for endpoint in table if endpoint.name.startswith("trackio.")):
            path = "/version" if name == "trackio.version" else f"/api/{name.removeprefix('trackio.')}"
            assert TrackioDialect().address("POST", path).endpoint == name
            assert upstream_of(path) == tier, path


@pytest.mark.parametrize("path", ["/graphql", "/files/entity/project/run/file_stream"])
def test_nginx_sends_the_calls_of_wandb_to_the_gateway(path: str) -> None:
    assert WandbDialect().address("POST", path).endpoint in {endpoint.name for endpoint in write_endpoints}
    assert upstream_of(path) == "gateway"


def test_nginx_sends_the_calls_of_mlflow_to_the_tiers_of_their_endpoints() -> None:
    dialect = MlflowDialect()
    tiers = {e.name: tier for tier, table in (("gateway", write_endpoints), ("query", read_endpoints)) for e in table}
    calls = [("POST", f"{service}/{action}") for service, action in mlflow_calls(tiers)]
    calls += [(method, f"logged-models/0a{part}") for method, part in MODEL_CALLS if (method, part) != ("POST", "")]
    calls += [("POST", "logged-models")]
    reached = set()
    for method, call in calls:
        for prefix in ("/api/2.0", "/ajax-api/2.0"):
            path = f"{prefix}/mlflow/{call}"
            name = dialect.address(method, path).endpoint
            reached.add(name)
            assert upstream_of(path) == tiers[name], path
    assert reached == {name for name in tiers if name.startswith("mlflow.")}


def mlflow_calls(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Service and action of MLflow's calls, but those of single logged models, as its addresses spell them."""
    for name in names:
        found = re.fullmatch(r"mlflow\.(experiments|runs|metrics|logged_models(?=_search))_(\w+)", name)
        if found:
            yield found[1].replace("_", "-"), found[2].replace("_", "-")


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


@pytest.mark.parametrize("service", [name for name in SERVICES])
def test_compose_bounds_every_service(service: str) -> None:
    assert SERVICES[service]["mem_limit"]
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", [*OWN, "nginx"])
def test_compose_gives_what_faces_clients_no_rights(service: str) -> None:
    assert (SERVICES[service]["read_only"], SERVICES[service]["cap_drop"]) == (True, ["ALL"])


@pytest.mark.parametrize("service", OWN)
def test_compose_gives_each_tier_the_secrets_that_it_needs(service: str) -> None:
    names = {name.removeprefix(PREFIX) for name in SERVICES[service]["environment"]}
    assert {name for name in names if any(fnmatch(name, secret) for secret in SECRETS)} == NEEDED[service]


def test_compose_has_no_default_passwords() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{(\w+):-", text)) <= OPTIONAL | PLACES
    required = {"EVENTIDE_SECRET_KEY", "EVENTIDE_TOKEN_SECRET", "CLICKHOUSE_PASSWORD", "POSTGRES_PASSWORD"}
    assert set(re.findall(r"\$\{(\w+):\?", text)) == required
    for document in ("README.md", "docs/web.md"):
        (loop,) = re.findall(r"^ *for name in (.*); do echo \$name=", (ROOT / document).read_text(), re.MULTILINE)
        assert required <= set(loop.split()), document


@pytest.mark.parametrize("service", ["gateway", "query", "files"])
def test_compose_trusts_proxies_by_name_and_no_network(service: str) -> None:
    """Docker gives addresses anew; and in a network that is trusted whole, clients would choose theirs."""
    trusted = SERVICES[service]["environment"]["EVENTIDE_TRUSTED_PROXIES"].split(",")
    assert trusted == [name for name, found in SERVICES.items() if found.get("image", "").startswith("nginx:")]


@pytest.mark.parametrize("file", ["nginx.conf", "web.conf.template"])
def test_every_proxy_says_whom_it_forwards_for(file: str) -> None:
    text = (ROOT / "deploy" / file).read_text()
    assert text.count("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;") == 1
    if file == "nginx.conf":  # a level that sets a header of its own inherits none
        assert text.count("proxy_set_header") == text.partition("    server {")[0].count("proxy_set_header")


def test_compose_opens_ports_to_this_machine_alone() -> None:
    ports = [port for name, found in SERVICES.items() if name not in OBSERVERS for port in found.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("${EVENTIDE_BIND:-127.0.0.1}:") for port in ports)


def test_compose_never_opens_to_others_what_asks_for_no_credentials() -> None:
    ports = [port for name in OBSERVERS for port in SERVICES[name]["ports"]]
    assert len(ports) == len(OBSERVERS)
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_starts_what_watches_on_request_alone() -> None:
    assert {name for name, found in SERVICES.items() if found.get("profiles") == ["observe"]} == set(OBSERVERS)


def test_the_slim_image_lacks_what_only_the_embedded_engine_requires() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.findall(r"^(\S+)==\S+(?: ;.*)? \\\n(?:    --hash.*\n)+((?:    # .*\n?)+)", lock, re.MULTILINE)
    required_by = dict(entries)
    (removed,) = re.findall(r"pip uninstall --yes --quiet (.*) pip$", DOCKERFILE, re.MULTILINE)
    others = {name: set(re.findall(r"[\w-]+", text)) & required_by.keys() for name, text in required_by.items()}
    assert all(others[name] <= set(removed.split()) for name in removed.split())


def test_the_image_copies_every_package_and_runs_as_nobody_special() -> None:
    for package in ("schema", "ingest", "query", "deploy"):
        assert f"COPY {package} {package}" in DOCKERFILE
    assert re.search(r"^USER \d+", DOCKERFILE, re.MULTILINE)


def test_the_image_has_what_the_wheel_is_built_from() -> None:
    (copied,) = re.findall(r"^COPY (.*pyproject\.toml.*) \./$", DOCKERFILE, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"setup.py", project["readme"], project["license-files"][0]} <= set(copied.split())
