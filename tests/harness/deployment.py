"""Eventide as its users run it: processes, started by the command line, on ports of this machine.

`EVENTIDE_TEST_MODE` chooses: `embedded` (default, `eventide up`) or `distributed` (gateway, worker and query service
between a Kafka and a ClickHouse). They end with the tests; their output is in files whose end a failed start shows.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import clickhouse_connect

from tests.harness.api import Credentials, Origins
from tests.servers.process import Process, free_port

ROOT = Path(__file__).parents[2]
MAX_BODY_BYTES = 17 << 20
TOKEN_SECRET = "a secret that only the tests share, and that is long enough even for HS512"
FIRST_USER = Credentials("first-access-key", "first-secret-key")
Mode = Literal["embedded", "distributed"]


@dataclass(frozen=True)
class Deployment:
    """A running Eventide."""

    mode: Mode
    origins: Origins
    files: str
    credentials: Credentials
    environment: Mapping[str, str]

    def command(self, *arguments: str) -> str:
        """The output of another ``eventide`` command with the same settings."""
        return _run(arguments, self.environment)

    def add_user(self, company: str, name: str, role: str = "user") -> Credentials:
        """A user of a company of that name."""
        made = json.loads(self.command("user", "add", "--company", company, "--name", name, "--role", role))
        return Credentials(made["access_key"], made["secret_key"])


@contextmanager
def embedded(directory: Path, settings: Mapping[str, str] | None = None) -> Iterator[Deployment]:
    """Everything in one process. ``settings``: further ones, by their names without EVENTIDE_."""
    port = free_port()
    own = {"DATA_DIR": str(directory / "data"), "FILES_PORT": str(port)}
    environment = _environment(own | dict(settings or {}))
    with ExitStack() as stack:
        origin = _start(stack, "up", directory, environment)
        yield Deployment("embedded", Origins(origin, origin), f"http://127.0.0.1:{port}", FIRST_USER, environment)


@contextmanager
def distributed(directory: Path, bootstrap: str, clickhouse_url: str) -> Iterator[Deployment]:
    """Each tier in a process of its own, on a topic and a database of their own."""
    name = f"eventide_{secrets.token_hex(4)}"
    environment = _environment(
        {
            "DATA_DIR": str(directory),
            "REGISTRY_URL": f"sqlite:///{directory / 'registry.db'}",
            "KAFKA_BOOTSTRAP": bootstrap,
            "KAFKA_TOPIC": name,
            "KAFKA_GROUP": name,
            "KAFKA_PARTITIONS": "4",
            "CLICKHOUSE_URL": _own_database(clickhouse_url, name),
        }
    )
    _run(["migrate"], environment)
    with ExitStack() as stack:
        origins = {tier: _start(stack, tier, directory, environment) for tier in ("worker", "gateway", "query")}
        files = _start(stack, "files", directory, environment, "--files-port")
        yield Deployment("distributed", Origins(origins["gateway"], origins["query"]), files, FIRST_USER, environment)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, without settings of its own, and with these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EVENTIDE_")}
    common = {
        "ACCESS_KEY": FIRST_USER.access_key,
        "SECRET_KEY": FIRST_USER.secret_key,
        "TOKEN_SECRET": TOKEN_SECRET,
        "MAX_BODY_BYTES": str(MAX_BODY_BYTES),
        "LOG_LEVEL": "warning",
    }
    return inherited | {f"EVENTIDE_{name}": value for name, value in (common | dict(settings)).items()}


def _start(
    stack: ExitStack, command: str, directory: Path, environment: Mapping[str, str], port_flag: str = "--port"
) -> str:
    """Start one process and wait until it is ready; its origin."""
    port = free_port()
    arguments = [sys.executable, "-m", "deploy", command, port_flag, str(port)]
    process = Process(arguments, directory / f"{command}.log", env=environment, cwd=ROOT)
    process.start()
    stack.callback(process.terminate)
    process.wait_until(lambda: _is_ready(f"http://127.0.0.1:{port}"), 90)
    return f"http://127.0.0.1:{port}"


def _is_ready(origin: str) -> bool:
    try:
        with urllib.request.urlopen(f"{origin}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _run(arguments: list[str] | tuple[str, ...], environment: Mapping[str, str]) -> str:
    command = [sys.executable, "-m", "deploy", *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, f"eventide {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout


def _own_database(url: str, name: str) -> str:
    client = clickhouse_connect.get_client(dsn=url)
    client.command(f"CREATE DATABASE {name}")
    client.close()
    return f"{url.rpartition('/')[0]}/{name}"
