"""Python environments for other SDKs, made once by a test run: they are no dependencies of the product."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

SECONDS = 300
UV = Path(sys.executable).with_name("uv")  # takes a fifth of pip's time


def python_with(cache: pytest.Cache, name: str, *packages: str) -> str:
    """An interpreter that has these packages; the test is skipped if they cannot be installed."""
    directory = cache.mkdir(name)
    python = directory / "bin" / "python"
    with (directory.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of the workers of a test run one makes it
        if not (directory / "installed").exists():
            if said := _make(directory, python, packages):
                pytest.skip(f"{', '.join(packages)} cannot be installed: {said[-300:]}")
            (directory / "installed").touch()
    return str(python)


def _make(directory: Path, python: Path, packages: tuple[str, ...]) -> str:
    """Make an environment, by uv or else by pip; what went wrong, empty if nothing did."""
    if UV.exists():
        venv.create(directory, with_pip=False, clear=True)
        if not _run([str(UV), "pip", "install", "-q", "--python", str(python), *packages]):
            return ""
    venv.create(directory, with_pip=True, clear=True)
    return _run([str(python), "-m", "pip", "install", "-q", *packages])


def _run(command: list[str]) -> str:
    """Run a command; what it says if it fails."""
    own = os.environ | {"UV_SYSTEM_CERTS": "1"}
    done = subprocess.run(command, env=own, capture_output=True, text=True, timeout=SECONDS, check=False)
    return (done.stderr or "no reason") if done.returncode else ""


def run_script(script: Path, python: str, directory: Path, environment: dict[str, str]) -> str:
    """What a script prints that ends well, in a folder of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EVENTIDE_")}
    own = inherited | {"HOME": str(directory), "TMPDIR": str(directory), "no_proxy": "127.0.0.1"} | environment
    command = [python, str(script)]
    done = subprocess.run(command, cwd=directory, env=own, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout
