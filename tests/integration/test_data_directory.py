"""The data directory is its owner's alone, and what is in the registry forges no token."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path

import jwt
import pytest

from tests.harness.access import bearer, status_of
from tests.harness.api import Api
from tests.harness.deployment import Deployment, attempt_eventide, embedded, environment_with

SECRETS = {"TOKEN_SECRET": "", "ACCESS_KEY": "", "SECRET_KEY": "", "WEB_ACCESS_KEY": "", "WEB_SECRET_KEY": ""}
READ = "users.get_current_user"


def open_to_others(directory: Path) -> list[str]:
    """What other users of the machine may read or write, were they let into the directory."""
    paths = (directory, *directory.rglob("*"))
    return [str(path) for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A data directory as an earlier version left it: open to everybody, its key in the registry."""
    data = tmp_path / "data"
    with embedded(tmp_path, SECRETS) as deployment:
        use(deployment, data)
    with sqlite3.connect(data / "registry.db") as registry:
        registry.execute("INSERT INTO secrets VALUES ('token', 'a key that everybody has read by now')")
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return data


def use(deployment: Deployment, data: Path) -> str:
    """Write something of each kind; a token."""
    credentials = type(deployment.credentials)(**json.loads((data / "credentials.json").read_text()))
    with Api(deployment.origins, credentials) as api:
        api.add({"type": "log", "task": api.create_task(), "level": "info", "msg": "x"})
        files = {"a/b.txt": ("b.txt", b"secret")}
        assert api._client.post(deployment.files, files=files, headers=bearer(api.token)).status_code == 200
        return api.token


def test_a_new_data_directory_is_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with embedded(tmp_path, SECRETS) as deployment:
            use(deployment, tmp_path / "data")
            assert open_to_others(tmp_path / "data") == []
    finally:
        os.umask(before)


def test_one_of_an_earlier_version_is_mended_at_the_start(tmp_path: Path, made: Path) -> None:
    with embedded(tmp_path, SECRETS):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        for name in ("registry.db", "credentials.json", "token-secret", "chdb", "files"):
            assert stat.S_IMODE((made / name).stat().st_mode) & 0o077 == 0, name


def test_a_folder_that_somebody_keeps_other_things_in_keeps_them_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    own = tmp_path / "data" / "notes.txt"
    own.touch(0o644)
    own.chmod(0o644)
    with embedded(tmp_path, SECRETS):
        assert stat.S_IMODE(own.stat().st_mode) == 0o644


def test_the_key_of_tokens_is_in_a_file_of_its_own(tmp_path: Path, made: Path) -> None:
    with embedded(tmp_path, SECRETS) as deployment, Api(deployment.origins, None) as nobody:
        token = use(deployment, made)
        claims = jwt.decode(token, options={"verify_signature": False})
        with sqlite3.connect(made / "registry.db") as registry:
            left = "\n".join(registry.iterdump())
        key = (made / "token-secret").read_text()
        assert key not in left
        assert "everybody has read" not in left
        assert claims["session_id"] not in left
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(token, "a key that everybody has read by now", ["HS256"])
        assert status_of(nobody.raw(READ, {}, headers=bearer(token))) == 200


def test_the_key_is_in_no_registry_of_ones_own_either(tmp_path: Path) -> None:
    """A copy of a registry goes to more places than a data directory: replicas, dumps, whoever may read tables."""
    settings = SECRETS | {"REGISTRY_URL": f"sqlite:///{tmp_path / 'own.db'}"}
    with embedded(tmp_path, settings):
        pass
    with sqlite3.connect(tmp_path / "own.db") as registry:
        registry.execute("INSERT INTO secrets VALUES ('token', 'a key that everybody has read by now')")
    with embedded(tmp_path, settings) as deployment:
        token = use(deployment, tmp_path / "data")
    with sqlite3.connect(tmp_path / "own.db") as registry:
        left = "\n".join(registry.iterdump())
    key = tmp_path / "data" / "token-secret"
    assert (stat.S_IMODE(key.stat().st_mode), key.read_text() in left, "everybody has read" in left) == (0o600, 0, 0)
    assert jwt.decode(token, key.read_text(), ["HS256"])


def test_processes_with_keys_of_their_own_do_not_share_a_registry(tmp_path: Path) -> None:
    """Tokens of one would be forgeries to the other."""
    settings = SECRETS | {"REGISTRY_URL": f"sqlite:///{tmp_path / 'own.db'}", "PORT": "0", "FILES_PORT": "0"}
    with embedded(tmp_path, SECRETS | {"REGISTRY_URL": settings["REGISTRY_URL"]}):
        other = environment_with(settings | {"DATA_DIR": str(tmp_path / "other")})
        ended = attempt_eventide(["up"], other)
        assert (ended.returncode, "EVENTIDE_TOKEN_SECRET" in ended.stderr) == (2, True)
    with embedded(tmp_path, {"REGISTRY_URL": settings["REGISTRY_URL"], "DATA_DIR": str(tmp_path / "other")}):
        pass  # with one for all
    with sqlite3.connect(tmp_path / "own.db") as registry:
        assert registry.execute("SELECT count(*) FROM secrets").fetchone() == (0,)


def test_tokens_outlive_a_restart(tmp_path: Path) -> None:
    with embedded(tmp_path, SECRETS) as deployment:
        token = use(deployment, tmp_path / "data")
    with embedded(tmp_path, SECRETS) as deployment, Api(deployment.origins, None) as nobody:
        assert status_of(nobody.raw(READ, {}, headers=bearer(token))) == 200


def test_who_took_the_first_key_back_finds_it_taken_back(tmp_path: Path) -> None:
    """Although it is still in its file, or in the settings."""
    with embedded(tmp_path) as deployment, Api(deployment.origins, deployment.credentials) as api:
        root = api.call("auth.create_credentials")["credentials"]
        assert api.call("auth.revoke_credentials", access_key=deployment.credentials.access_key) == {"revoked": 1}
    with embedded(tmp_path) as deployment, Api(deployment.origins, None) as nobody:
        pair = (deployment.credentials.access_key, deployment.credentials.secret_key)
        assert nobody._client.post(nobody.url(READ), auth=pair).status_code == 401
        assert nobody._client.post(nobody.url(READ), auth=(root["access_key"], root["secret_key"])).status_code == 200


GUESSED = [
    ("TOKEN_SECRET", "a"),
    ("TOKEN_SECRET", "x" * 64),
    ("TOKEN_SECRET", "ab" * 32),
    ("TOKEN_SECRET", "s3cr3t" * 4),
]
GUESSED += [(name, secret) for name in ("SECRET_KEY", "WEB_SECRET_KEY") for secret in ("1", "hidden7", "11111111")]


@pytest.mark.parametrize(("name", "secret"), GUESSED)
def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path, name: str, secret: str) -> None:
    settings = {"DATA_DIR": str(tmp_path / "data"), name: secret, "WEB_LOGIN": "name", "FILES_PORT": "0", "PORT": "0"}
    ended = attempt_eventide(["up"], environment_with(settings))
    assert (ended.returncode, f"EVENTIDE_{name}" in ended.stderr) == (2, True)
    assert len(secret) < 2 or secret not in ended.stderr
