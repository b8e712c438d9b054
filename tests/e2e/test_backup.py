"""Backups of a process that takes events, restored and counted."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.compose.load import EVENTS, Load, under_load
from tests.harness.api import Api, until
from tests.harness.deployment import Deployment, attempt_eventide, embedded
from tests.harness.events import scalar

FILE = b"a checkpoint " * 1000


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    (tmp_path / "one").mkdir()
    with embedded(tmp_path / "one") as running:
        yield running


@pytest.fixture
def api(deployment: Deployment) -> Iterator[Api]:
    with Api(deployment.origins, deployment.credentials) as client:
        yield client


def upload(deployment: Deployment, api: Api, name: str, content: bytes) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    assert httpx.post(f"{deployment.files}/", files={name: content}, headers=headers).status_code == 200


def steps(api: Api, load: Load) -> list[int]:
    return sorted(event["iter"] for event in api.events(load.task))


def check(directory: Path, load: Load, at_least: int, files: dict[str, bytes]) -> None:
    """What was acknowledged before the backup is there, and each event once; keys and files are as they were."""
    with embedded(directory) as deployment, Api(deployment.origins, deployment.credentials) as api:
        found = steps(api, load)
        assert found == list(range(len(found)))
        assert len(found) >= at_least
        assert api.task(load.task)["name"] == "a task"
        api.add(scalar(load.task, len(found)))
        assert len(steps(api, load)) == len(found) + 1
        for name, content in files.items():
            headers = {"Authorization": f"Bearer {api.token}"}
            assert httpx.get(f"{deployment.files}/{name}", headers=headers).content == content


def restored(deployment: Deployment, place: Path, directory: Path) -> Path:
    """The directory of a new deployment, with the backup's data."""
    directory.mkdir()
    environment = {**deployment.environment, "EVENTIDE_DATA_DIR": str(directory / "data")}
    done = attempt_eventide(["restore", str(place)], environment)
    assert done.returncode == 0, done.stderr
    return directory


def test_a_backup_under_load_has_all_that_was_acknowledged_before(
    deployment: Deployment, api: Api, tmp_path: Path
) -> None:
    upload(deployment, api, "kept.bin", FILE)
    with under_load(api) as load:
        until(lambda: load.batches > 5)
        counts = [load.events]
        deployment.command("backup", str(tmp_path / "whole"))
        upload(deployment, api, "later.bin", FILE * 2)
        until(lambda: load.events > counts[0] + 10 * EVENTS)
        counts.append(load.events)
        deployment.command("backup", str(tmp_path / "newer"), "--base", str(tmp_path / "whole"))
    assert (tmp_path / "newer" / "files").exists()
    (tmp_path / "moved").mkdir()
    for name in ("whole", "newer"):
        shutil.move(tmp_path / name, tmp_path / "moved")
    check(restored(deployment, tmp_path / "moved/whole", tmp_path / "two"), load, counts[0], {"kept.bin": FILE})
    files = {"kept.bin": FILE, "later.bin": FILE * 2}
    check(restored(deployment, tmp_path / "moved/newer", tmp_path / "three"), load, counts[1], files)


def test_a_process_that_was_killed_is_backed_up_with_its_journal(
    deployment: Deployment, api: Api, tmp_path: Path
) -> None:
    with under_load(api) as load:
        until(lambda: load.batches > 5)
    deployment.processes["up"].send(signal.SIGKILL)
    assert (tmp_path / "one/data/control.sock").exists()
    deployment.command("backup", str(tmp_path / "backup"))
    check(restored(deployment, tmp_path / "backup", tmp_path / "two"), load, load.events, {})


def test_tokens_and_first_keys_stay_good(tmp_path: Path) -> None:
    """Also those that no setting gives, but files of the data directory."""
    (tmp_path / "one").mkdir()
    made = {"ACCESS_KEY": "", "SECRET_KEY": "", "TOKEN_SECRET": ""}
    with embedded(tmp_path / "one", made) as deployment:
        keys = json.loads((tmp_path / "one/data/credentials.json").read_text())
        credentials = dataclasses.replace(deployment.credentials, **keys)
        with Api(deployment.origins, credentials) as api:
            token = api.token
        deployment.command("backup", str(tmp_path / "backup"))
        assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    restored(deployment, tmp_path / "backup", tmp_path / "two")
    with embedded(tmp_path / "two", made) as deployment:
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{deployment.origins.query}/users.get_current_user", headers=headers).status_code == 200


def refusal(deployment: Deployment, data: Path, *arguments: str) -> str:
    """What a command on a data directory says that is refused."""
    done = attempt_eventide(arguments, {**deployment.environment, "EVENTIDE_DATA_DIR": str(data)})
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_backups_at_wrong_places_are_refused(deployment: Deployment, tmp_path: Path) -> None:
    data, whole, more = tmp_path / "one/data", str(tmp_path / "whole"), str(tmp_path / "more")
    deployment.command("backup", whole)
    deployment.command("backup", more, "--base", whole)
    assert "a backup is made in a new directory" in refusal(deployment, data, "backup", whole)
    assert "is no backup" in refusal(deployment, data, "backup", f"{whole} 2", "--base", str(tmp_path))
    assert "needs a base itself" in refusal(deployment, data, "backup", f"{whole} 2", "--base", more)
    assert "no `eventide up` has run" in refusal(deployment, tmp_path / "empty", "backup", f"{whole} 2")
    assert not (tmp_path / "whole 2").exists()


def test_backups_are_restored_into_empty_directories_alone(deployment: Deployment, tmp_path: Path) -> None:
    deployment.command("backup", str(tmp_path / "whole"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    assert "in use by another process" in refusal(deployment, tmp_path / "one/data", "restore", str(tmp_path / "whole"))
    assert "into an empty one" in refusal(deployment, tmp_path / "full", "restore", str(tmp_path / "whole"))
    (tmp_path / "whole" / "manifest.json").unlink()
    assert "did not end" in refusal(deployment, tmp_path / "two", "restore", str(tmp_path / "whole"))


def test_a_directory_that_is_not_whole_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "restoring").touch()
    done = attempt_eventide(["up"], {**os.environ, "EVENTIDE_DATA_DIR": str(tmp_path / "data")})
    assert done.returncode == 2
    assert "did not end" in done.stderr
