"""Eventide as its users run it: processes, started by the command line, on ports of this machine.

`EVENTIDE_TEST_MODE` chooses: `embedded` (default, `eventide up`), `distributed` (gateway, worker and query service
between a Kafka, a ClickHouse and, where there is one, a PostgreSQL), or `fronted` (these behind nginx). They end with
the tests; their output is in files whose end a failed start shows.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import clickhouse_connect

from tests.harness.api import Credentials, Origins
from tests.servers.process import Process, free_port

ROOT = Path(__file__).parents[2]
EVENTIDE = (sys.executable, "-m", "deploy")
MAX_BODY_BYTES = 17 << 20
TOKEN_SECRET = "a secret that only the tests share, and that is long enough even for HS512"
FIRST_USER = Credentials("first-access-key", "first-secret-key")
WEB_APP = Credentials("web-access-key", "web-secret-key")
Mode = Literal["embedded", "distributed"]


@dataclass(frozen=True)
class Deployment:
    """A running Eventide."""

    mode: Mode
    origins: Origins
    files: str
    credentials: Credentials
    environment: Mapping[str, str]
    processes: Mapping[str, Process]
    worker: str = ""  # its origin, where it is a process of its own
    tiers: Origins | None = None  # past nginx, where that is in front

    def command(self, *arguments: str) -> str:
        """The output of another ``eventide`` command with the same settings."""
        return run_eventide(arguments, self.environment)

    def add_user(self, company: str, name: str, role: str = "user") -> Credentials:
        """A user of a company of that name."""
        made = json.loads(self.command("user", "add", "--company", company, "--name", name, "--role", role))
        return Credentials(made["access_key"], made["secret_key"])


@contextmanager
def embedded(directory: Path, settings: Mapping[str, str] | None = None, code: Path = ROOT) -> Iterator[Deployment]:
    """Everything in one process. ``settings``: further ones, by their names without EVENTIDE_. ``code``: a checkout."""
    port = free_port()
    own = {"DATA_DIR": str(directory / "data"), "FILES_PORT": str(port)}
    environment = environment_with(own | dict(settings or {}))
    with Started(directory, environment, code) as started:
        origin = started.add("up")
        files = f"http://127.0.0.1:{port}"
        yield Deployment("embedded", Origins(origin, origin), files, FIRST_USER, environment, started.processes)


@contextmanager
def distributed(
    directory: Path, bootstrap: str, clickhouse_url: str, settings: Mapping[str, str] | None = None
) -> Iterator[Deployment]:
    """Each tier in a process of its own, on a topic and a database of their own. ``settings``: further ones."""
    name = f"eventide_{secrets.token_hex(4)}"
    environment = environment_with(
        {
            "DATA_DIR": str(directory / "made" / "by the worker"),
            "REGISTRY_URL": f"sqlite:///{directory / 'registry.db'}",
            "KAFKA_BOOTSTRAP": bootstrap,
            "KAFKA_TOPIC": name,
            "KAFKA_GROUP": name,
            "KAFKA_PARTITIONS": "4",
            "CLICKHOUSE_URL": own_database(clickhouse_url, name),
        }
        | dict(settings or {})
    )
    run_eventide(["migrate"], environment)
    with Started(directory, environment) as started:
        worker, gateway, query = (started.add(tier) for tier in ("worker", "gateway", "query"))
        files = started.add("files", "--files-port")
        origins = Origins(gateway, query)
        yield Deployment("distributed", origins, files, FIRST_USER, environment, started.processes, worker)


class Started(ExitStack):
    """Processes of one environment; leaving it ends them."""

    def __init__(self, directory: Path, environment: Mapping[str, str], code: Path = ROOT) -> None:
        super().__init__()
        self.processes: dict[str, Process] = {}
        self._directory, self._environment, self._code = directory, environment, code

    def add(self, command: str, port_flag: str = "--port") -> str:
        """Start one and wait until it is ready; its origin."""
        port = free_port()
        arguments = [*EVENTIDE, command, port_flag, str(port)]
        process = Process(arguments, self._directory / f"{command}.log", env=self._environment, cwd=self._code)
        process.start()
        self.callback(process.terminate)
        process.wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), 90)
        self.processes[command] = process
        return f"http://127.0.0.1:{port}"


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, without settings of its own, and with these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EVENTIDE_")}
    inherited["SSL_CERT_FILE"] = os.devnull  # nobody speaks TLS here, and every process would read all certificates
    common = {
        "ACCESS_KEY": FIRST_USER.access_key,
        "SECRET_KEY": FIRST_USER.secret_key,
        "WEB_ACCESS_KEY": WEB_APP.access_key,
        "WEB_SECRET_KEY": WEB_APP.secret_key,
        "TOKEN_SECRET": TOKEN_SECRET,
        "MAX_BODY_BYTES": str(MAX_BODY_BYTES),
        "LOG_LEVEL": "warning",
    }
    return inherited | {f"EVENTIDE_{name}": value for name, value in (common | dict(settings)).items()}


def is_ready(origin: str) -> bool:
    """Whether the process that listens there says so."""
    try:
        with urllib.request.urlopen(f"{origin}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def run_eventide(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The output of a command, which must succeed."""
    done = attempt_eventide(arguments, environment)
    assert done.returncode == 0, f"eventide {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout


def attempt_eventide(
    arguments: Sequence[str], environment: Mapping[str, str], program: Sequence[str] = EVENTIDE
) -> subprocess.CompletedProcess[str]:
    """How a command ended, and what it said."""
    command = [*program, *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


def own_database(url: str, name: str) -> str:
    """The URL of a new database on a server."""
    client = clickhouse_connect.get_client(dsn=url)
    client.command(f"CREATE DATABASE {name}")
    client.close()
    return f"{url.rpartition('/')[0]}/{name}"
