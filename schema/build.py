"""The build of Eventide: the version of the package, and the revision of its source."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from schema.metrics import BUILD

UNKNOWN = "unknown"
# Written into wheels by setup.py; a checkout has none and asks git.
REVISION_FILE = Path(__file__).parent / "revision.txt"


@dataclass(frozen=True)
class Build:
    """A build. ``revision``: abbreviated hash of the commit, or ``unknown``."""

    version: str
    revision: str
    python: str

    def __str__(self) -> str:
        return f"{self.version} (revision {self.revision}, Python {self.python})"


@lru_cache(1)
def build() -> Build:
    """Return the build of this process."""
    try:
        found = version("eventide")
    except PackageNotFoundError:  # run from a folder without being installed
        found = UNKNOWN
    return Build(found, _revision(), platform.python_version())


def publish_build() -> Build:
    """Tell the build as the metric ``eventide_build_info``."""
    known = build()
    BUILD.info(vars(known))
    return known


def _revision() -> str:
    """Return the revision that the wheel was built from, else the one that is checked out."""
    if REVISION_FILE.is_file():
        return REVISION_FILE.read_text().strip() or UNKNOWN
    root = REVISION_FILE.parents[1]
    if not (root / ".git").exists():
        return UNKNOWN
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # no git, or a checkout of another user's
        return UNKNOWN
    return done.stdout.strip()
