"""Programs that are built of Go modules, once per machine, where they are not installed.

EVENTIDE_TEST_CACHE   where they are kept, default ~/.cache/eventide-tests
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import Unavailable

HELM = "helm.sh/helm/v3/cmd/helm", "v3.19.4"
BUILD_SECONDS = 900
DOWNLOAD_SECONDS = 300


def helm() -> Path:
    """The helm of this machine, or one that is built. Raises Unavailable."""
    if found := shutil.which("helm"):
        return Path(found)
    return installed(*HELM)


def module(name: str, version: str) -> Path:
    """The files of a module, which is fetched if need be. Raises Unavailable."""
    directory = cache() / "modules"
    directory.mkdir(parents=True, exist_ok=True)
    found = json.loads(go(["mod", "download", "-json", f"{name}@{version}"], directory, DOWNLOAD_SECONDS))
    return Path(found["Dir"])


def cache() -> Path:
    """Where built programs are kept."""
    return Path(os.environ.get("EVENTIDE_TEST_CACHE") or Path.home() / ".cache" / "eventide-tests")


def go(arguments: Sequence[str], directory: Path, seconds: float, variables: Mapping[str, str] | None = None) -> str:
    """Run the go command; return what it prints. Raises Unavailable, with the end of its errors."""
    program = shutil.which("go")
    if program is None:
        raise Unavailable("go is not installed")
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", **(variables or {})}
    done = subprocess.run(
        [program, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        raise Unavailable(f"go {' '.join(arguments)} failed: {done.stderr[-2000:]}")
    return done.stdout


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Let one process at a time fill a directory of the cache, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def installed(package: str, version: str) -> Path:
    """A program of a module at a version. Raises Unavailable."""
    directory = cache() / f"{Path(package).name}-{version}"
    program = directory / Path(package).name
    with one_at_a_time(directory):
        if not program.exists():
            go(["install", f"{package}@{version}"], directory, BUILD_SECONDS, {"GOBIN": str(directory)})
    return program
