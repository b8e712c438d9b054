"""The images of docker-compose.yml: the official ones where they can be pulled, else stand-ins of the same names.

The stand-ins are made of what the package registries have: Debian's python3, JRE, PostgreSQL and nginx, Kafka's jars
from Maven Central, and chDB as ClickHouse. They are only ever made in an engine of the tests' own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.compose.engine import Docker
from tests.servers.kafka_jars import kafka_jars
from tests.servers.process import StartFailed, Unavailable

ROOT = Path(__file__).parents[2]
STAND_INS = Path(__file__).parent / "stand_ins"
BASE = "python:3.13-slim"
WATCHING = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}  # Debian has no Grafana
BASE_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
BASE_RELEASE = "trixie"  # whose Python is 3.13
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DEBOOTSTRAP_SECONDS = 400
PULL_SECONDS = 300


def official_images() -> dict[str, str]:
    """Return the images that docker-compose.yml pulls, by service."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return {name: service["image"] for name, service in services.items() if "build" not in service}


def provide_images(docker: Docker, directory: Path) -> None:
    """Pull or make every image, and build Eventide's two. Raises Unavailable."""
    if not _pulled(docker):
        if not docker.is_own:
            raise Unavailable("the official images cannot be pulled")
        _import_base(docker, directory / "base")
        with ThreadPoolExecutor(2) as pool:
            services = pool.submit(docker.build, STAND_INS, STAND_INS / "services.Dockerfile", "stand-in-services")
            _build_eventide(docker)
            services.result()
        _build_stand_ins(docker, directory)
    else:
        _build_eventide(docker)


def _build_eventide(docker: Docker) -> None:
    docker.build(ROOT, ROOT / "deploy" / "Dockerfile", "eventide")
    docker.build(ROOT, ROOT / "deploy" / "Dockerfile", "eventide:tiers", "--target", "tiers")


def _pulled(docker: Docker) -> bool:
    """Pull the smallest first: where that is not possible, none is."""
    try:
        for image in (BASE, *sorted(set(official_images().values()))):
            docker.run("pull", "-q", image, seconds=PULL_SECONDS)
    except (StartFailed, subprocess.TimeoutExpired):
        return False
    return True


def _import_base(docker: Docker, root: Path) -> None:
    """Make the base image of a small Debian, with this machine's certificates and pip configuration."""
    debootstrap = shutil.which("debootstrap", path="/usr/sbin:/usr/bin")
    if debootstrap is None:
        raise Unavailable("images cannot be pulled, and debootstrap is not installed")
    # It mounts /proc there: in a mount namespace of its own, so that nothing stays mounted, however it ends.
    alone = ["unshare", "--mount", debootstrap]
    command = [*alone, "--variant=minbase", f"--include={BASE_PACKAGES}", BASE_RELEASE, str(root)]
    done = docker.attempt(command, seconds=DEBOOTSTRAP_SECONDS, check=False)
    if done.returncode != 0:
        raise Unavailable(f"debootstrap failed: {(done.stdout + done.stderr)[-2000:]}")
    (root / "usr/bin/python").symlink_to("python3")
    (root / "usr/lib/python3.13/EXTERNALLY-MANAGED").unlink()
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    (root / "etc/pip.conf").write_text(_pip_configuration())
    archive = root.with_suffix(".tar")
    without = ["--one-file-system", "--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*"]
    docker.attempt(["tar", "-C", str(root), *without, "-cf", str(archive), "."], seconds=300)
    docker.run("import", archive, BASE, seconds=300)
    shutil.rmtree(root)
    archive.unlink()


def _pip_configuration() -> str:
    """Return where this machine's pip finds packages, whether files or variables tell it."""
    names = ("index-url", "extra-index-url", "trusted-host", "cert", "timeout", "default-timeout")
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    pairs = (line.split("=", 1) for line in said.stdout.splitlines() if "=" in line)
    values = {name.rpartition(".")[2]: value.strip("'") for name, value in pairs}
    return "\n".join(["[global]", *(f"{name} = {values[name]}" for name in names if name in values)]) + "\n"


def _build_stand_ins(docker: Docker, directory: Path) -> None:
    """Build the stand-ins, under the official names, so that docker-compose.yml is used as it is."""
    context = directory / "context"
    shutil.copytree(STAND_INS, context)
    shutil.copy(ROOT / "tests" / "servers" / "clickhouse_http.py", context)
    (context / "libs").mkdir()
    for jar in kafka_jars():
        shutil.copy(jar, context / "libs")
    images = official_images()
    for service in ("kafka", "postgres", "nginx", "clickhouse"):
        docker.build(context, context / f"{service}.Dockerfile", images[service])
    for service, program in WATCHING.items():
        docker.build(context, context / "prometheus.Dockerfile", images[service], "--build-arg", f"PROGRAM={program}")
