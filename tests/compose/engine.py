"""A Docker engine: the one that answers, or, as root, one of the tests' own, from Debian's docker.io."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import Process, StartFailed, Unavailable

MAX_FILES = 20_000
START_SECONDS = 60
BUILD_SECONDS = 900


@dataclass(frozen=True)
class Docker:
    """The command line of one engine. ``is_own``: started by the tests, so that nothing is in it yet."""

    host: str
    is_own: bool

    def run(self, *arguments: str | Path, seconds: float = 120) -> str:
        """Return what a docker command prints; it must succeed."""
        return self.attempt(["docker", *map(str, arguments)], seconds=seconds).stdout

    def build(self, context: Path, dockerfile: Path, tag: str, *options: str) -> None:
        """Build an image. Builds reach the network as this machine does, and no engine needs buildx for them."""
        where = ["--network", "host", "--tag", tag, "--file", str(dockerfile), *options, str(context)]
        self.attempt(["docker", "build", *where], seconds=BUILD_SECONDS)

    def attempt(
        self, command: Sequence[str], seconds: float, cwd: Path | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with this engine. Raises StartFailed, with the end of its output, if it fails."""
        environment = {**os.environ, "DOCKER_BUILDKIT": "0"} | ({"DOCKER_HOST": self.host} if self.host else {})
        done = subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
        )
        if check and done.returncode != 0:
            output = (done.stdout + done.stderr)[-6000:]
            raise StartFailed(f"{' '.join(command)} ended with {done.returncode}:\n{output}")
        return done


@contextmanager
def docker_engine(directory: Path) -> Iterator[Docker]:
    """Yield an engine. Raises Unavailable if none answers and none can be started."""
    if not shutil.which("docker"):
        raise Unavailable("docker is not installed")
    if _answers(Docker("", is_own=False)):
        yield Docker("", is_own=False)
        return
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        raise Unavailable("no Docker engine answers, and none can be started: that needs root and docker.io")
    with _own_engine(directory) as engine:
        yield engine


@contextmanager
def _own_engine(directory: Path) -> Iterator[Docker]:
    """Start dockerd with all its files in a directory. It sets no firewall rules: a process forwards ports."""
    engine = Docker(f"unix://{directory}/docker.sock", is_own=True)
    (directory / "daemon.json").write_text(json.dumps(_configuration(directory, engine)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, MAX_FILES), hard))
    process = Process(
        ["dockerd", "--config-file", directory / "daemon.json"], directory / "dockerd.log", death=signal.SIGTERM
    )
    try:
        process.start()
        process.wait_until(lambda: _answers(engine), START_SECONDS)
        yield engine
    finally:
        process.terminate(seconds=30)
        # It leaves this mounted, and 5 GB of images.
        subprocess.run(
            ["umount", "--quiet", directory / "exec" / "netns" / "default"], capture_output=True, check=False
        )
        shutil.rmtree(directory / "data", ignore_errors=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _configuration(directory: Path, engine: Docker) -> dict[str, object]:
    files = {"Name": "nofile", "Soft": MAX_FILES, "Hard": MAX_FILES}
    return {
        "data-root": str(directory / "data"),
        "exec-root": str(directory / "exec"),
        "pidfile": str(directory / "pid"),
        "hosts": [engine.host],
        "iptables": False,
        "ip6tables": False,
        "ip-forward": False,
        "userland-proxy": True,
        "default-ulimits": {"nofile": files},
        "bip": "172.29.0.1/24",
    }


def _answers(docker: Docker) -> bool:
    try:
        return docker.attempt(["docker", "info"], seconds=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
