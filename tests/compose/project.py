"""docker-compose.yml as its users run it, as a project of its own."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.compose.engine import Docker
from tests.harness.api import Credentials
from tests.servers.process import StartFailed, Unavailable, free_port

ROOT = Path(__file__).parents[2]
LIMITS = Path(__file__).with_name("limits.yml")
HEALTHY_SECONDS = 240
COMMAND_SECONDS = 400


@dataclass(frozen=True)
class Project:
    """One compose project. ``directory``: has its file of secrets."""

    docker: Docker
    directory: Path
    name: str = field(default_factory=lambda: f"eventide-{secrets.token_hex(3)}")
    api_port: int = field(default_factory=free_port)
    files_port: int = field(default_factory=free_port)
    prometheus_port: int = field(default_factory=free_port)
    credentials: Credentials = field(default_factory=lambda: Credentials("EVENTIDE", secrets.token_hex(16)))

    def write_secrets(self) -> None:
        """Write what docker-compose.yml asks for; nothing of it has a default."""
        values = {
            "EVENTIDE_SECRET_KEY": self.credentials.secret_key,
            "EVENTIDE_TOKEN_SECRET": secrets.token_hex(24),
            "CLICKHOUSE_PASSWORD": secrets.token_hex(16),
            "POSTGRES_PASSWORD": secrets.token_hex(16),
            "EVENTIDE_API_PORT": str(self.api_port),
            "EVENTIDE_FILES_PORT": str(self.files_port),
            "EVENTIDE_PROMETHEUS_PORT": str(self.prometheus_port),
            "EVENTIDE_ALERTMANAGER_PORT": str(free_port()),
        }
        (self.directory / "env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Return what a docker-compose command prints."""
        files = ["-f", str(ROOT / "docker-compose.yml"), *(["-f", str(LIMITS)] if self.docker.is_own else [])]
        own = ["-p", self.name, "--project-directory", str(ROOT), "--env-file", str(self.directory / "env"), *files]
        done = self.docker.attempt([*_program(self.docker), *own, *arguments], COMMAND_SECONDS, cwd=ROOT, check=check)
        return done.stdout + done.stderr

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's running containers, also if its profile is asked for by nobody."""
        labels = {"project": self.name, "service": service}
        filters = [f"--filter=label=com.docker.compose.{label}={value}" for label, value in labels.items()]
        return self.docker.run("ps", "-q", *filters).split()

    def until_healthy(self, **counts: int) -> None:
        """Wait until each service has so many containers, all healthy. Raises StartFailed, with their logs."""
        for service, wanted in counts.items():
            self.until(partial(self._are_healthy, service, wanted), f"{wanted} {service}")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something. Raises StartFailed."""
        end = time.monotonic() + HEALTHY_SECONDS
        while not condition():
            if time.monotonic() > end:
                report = self.compose("ps", check=False) + self.compose("logs", "--tail", "40", check=False)
                raise StartFailed(f"not {what} after {HEALTHY_SECONDS} s:\n{report[-12000:]}")
            time.sleep(0.5)

    def _are_healthy(self, service: str, wanted: int) -> bool:
        return self._healthy(service) == wanted

    def _healthy(self, service: str) -> int:
        """Count the healthy containers; -1 if there are others, or one has just been removed."""
        ask = ["docker", "inspect", "-f", "{{.State.Health.Status}}"]
        answers = [self.docker.attempt([*ask, container], 60, check=False) for container in self.containers(service)]
        return len(answers) if all(answer.stdout.strip() == "healthy" for answer in answers) else -1


def _program(docker: Docker) -> list[str]:
    """Return the compose command of this machine. Raises Unavailable."""
    if docker.attempt(["docker", "compose", "version"], seconds=20, check=False).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise Unavailable("docker compose is not installed")
