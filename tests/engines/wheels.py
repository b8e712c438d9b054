"""Engines of other versions than the installed one: chDB's wheels, each in a directory for PYTHONPATH."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.servers.process import Unavailable

HERE = Path(__file__).parent
INSTALL_SECONDS = 300


def environment_with_engine(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which ``chdb`` is the wheel of ``<name>.txt``. Raises Unavailable."""
    return {**environment, "PYTHONPATH": str(_installed(HERE / f"{name}.txt"))}


def _installed(requirements: Path) -> Path:
    """Install a wheel (150 MB, 530 on the disk) once per machine; several processes may do so at once."""
    cache = Path(os.environ.get("EVENTIDE_TEST_CACHE") or Path.home() / ".cache" / "eventide-tests")
    directory = cache / _requirement(requirements)
    if not directory.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache, prefix=".wheel-") as temporary:
            _install(requirements, Path(temporary) / "wheel")
            if not directory.exists():
                os.rename(Path(temporary) / "wheel", directory)
    return directory


def _requirement(requirements: Path) -> str:
    return next(line.split()[0] for line in requirements.read_text().splitlines() if not line.startswith("#"))


def _install(requirements: Path, into: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
    command = [*pip, "--target", str(into), "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode != 0:
        raise Unavailable(f"pip cannot install {requirements.name}: {done.stderr[-2000:]}")
