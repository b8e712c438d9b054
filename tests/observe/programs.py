"""Prometheus and its companions: those that are installed, or Debian's, unpacked once into a cache of the user's."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

PACKAGES = {"prometheus": "prometheus", "promtool": "prometheus", "amtool": "prometheus-alertmanager"}
FETCH_SECONDS = 180


def program(name: str) -> str:
    """The path of a program. Skips where it is not to be had; in CI that fails."""
    if found := shutil.which(name) or _unpacked(name):
        return found
    message = f"{name} is not installed (Debian's package {PACKAGES[name]}), and cannot be fetched"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def run(name: str, *arguments: str | Path, seconds: float = 60) -> str:
    """What a program prints; it must succeed."""
    command = [program(name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def _unpacked(name: str) -> str | None:
    """Fetch the package with apt, without installing it: that would start a server of its own."""
    package = PACKAGES[name]
    directory = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "eventide-tests" / package
    file = directory / "usr" / "bin" / name
    if not file.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                _fetch(package, directory)
    return str(file) if file.exists() else None


def _fetch(package: str, directory: Path) -> None:
    """Download and unpack a package; with older lists than the archive's, after an update of these."""
    if not _apt(directory, "download", package):
        _apt(directory, "update")
        _apt(directory, "download", package)
    for archive in directory.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, directory], timeout=FETCH_SECONDS, check=True)
        archive.unlink()


def _apt(directory: Path, *arguments: str) -> bool:
    command = ["apt-get", "-qq", *arguments]
    return not subprocess.run(
        command, cwd=directory, timeout=FETCH_SECONDS, capture_output=True, check=False
    ).returncode
