"""Data directories that earlier versions filled, opened by this one: registry, journal and chDB, counted exactly.

Those of some days are kept in `tests/data`, packed. The newest tag's is made anew by its own code, once there is a tag;
EVENTIDE_TEST_UPGRADE_FROM names any other revision.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.harness import earlier
from tests.harness.api import Api
from tests.harness.deployment import ROOT, embedded

DATA = ROOT / "tests" / "data"
# Before there was a journal, an applied offset or a roll-up; and the last day before `arrived`, killed with a journal.
PACKED = {"2026-11-24": 0, "2026-11-28": 1}


def check_upgrade(directory: Path) -> None:
    """The directory is opened twice: what a second start finds is of this version."""
    with embedded(directory) as deployment, Api(deployment.origins, deployment.credentials) as api:
        earlier.check(api)
    with embedded(directory) as deployment, Api(deployment.origins, deployment.credentials) as api:
        earlier.check(api)
        earlier.check_goes_on(api)


@pytest.mark.parametrize("day", PACKED)
def test_a_data_directory_of_a_day(tmp_path: Path, day: str) -> None:
    with tarfile.open(DATA / f"embedded-{day}.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    assert earlier.waiting_records(tmp_path / "data") == PACKED[day]
    check_upgrade(tmp_path)


def test_a_data_directory_of_the_newest_tag(tmp_path: Path) -> None:
    if not (revision := os.environ.get("EVENTIDE_TEST_UPGRADE_FROM") or newest_tag()):
        pytest.skip("no version is tagged yet")
    earlier.fill_and_kill(revision, tmp_path)
    check_upgrade(tmp_path)


def newest_tag() -> str:
    """The newest tag before this commit; empty if there is none, or no repository."""
    command = ["git", "describe", "--tags", "--abbrev=0", "HEAD^"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
