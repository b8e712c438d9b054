"""What the first start makes: the data directory, its lock, and the first user's credentials."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import SecretStr

from deploy import access
from deploy.data_directory import CREDENTIALS, LOCK, WEB_CREDENTIALS, make_private
from schema.errors import ConfigError
from schema.registry import WEB_ROLE, Registry
from schema.settings import Settings

FIRST_USER = "admin"

logger = logging.getLogger("eventide.access")


@dataclass(frozen=True)
class Credentials:
    """An access key and its secret key."""

    access_key: str
    secret_key: str


def lock_directory(directory: Path) -> IO[str]:
    """Return the lock of a data directory, held while the file is open.

    Raises ConfigError if another process has it.
    """
    try:
        make_private(directory)
        file = lock_file(directory).open("w")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConfigError(f"{directory} is in use by another process (EVENTIDE_DATA_DIR)") from error
    except OSError as error:
        raise ConfigError(f"EVENTIDE_DATA_DIR: {error}") from error
    return file


def lock_file(directory: Path) -> Path:
    """Return the file whose lock the process on a data directory holds."""
    return directory / LOCK


def make_credentials() -> Credentials:
    """Make a random pair."""
    return Credentials(secrets.token_hex(10).upper(), secrets.token_urlsafe(32))


def first_credentials(settings: Settings) -> Credentials:
    """Return the first user's credentials: of the settings, or kept in the data directory.

    Raises ConfigError, like ``given_first``.
    """
    return given_first(settings) or _kept(_first_file(settings))


def are_to_be_made(settings: Settings) -> bool:
    """Whether the first user has no credentials yet, so that ``first_credentials`` makes them."""
    return not settings.access_key and not _first_file(settings).exists()


def kept_first(settings: Settings) -> Credentials:
    """Return the first user's credentials, as an earlier start made them.

    Raises FileNotFoundError if none did.
    """
    return Credentials(**json.loads(_first_file(settings).read_text()))


def web_credentials(settings: Settings) -> Credentials:
    """Return the web application's credentials: of the settings, or kept in the data directory.

    Raises ConfigError.
    """
    return given_web(settings) or _kept(settings.data_dir / WEB_CREDENTIALS)


def given_first(settings: Settings) -> Credentials | None:
    """Return the first user's credentials of the settings.

    Raises ConfigError for half of them, and for a key that no client could send.
    """
    return _given(settings.access_key, settings.secret_key, "EVENTIDE_")


def given_web(settings: Settings) -> Credentials | None:
    """Return the web application's credentials of the settings. Raises ConfigError, like ``given_first``."""
    return _given(settings.web_access_key, settings.web_secret_key, "EVENTIDE_WEB_")


def _given(access_key: str, secret: SecretStr, prefix: str) -> Credentials | None:
    secret_key = secret.get_secret_value()
    if bool(access_key) != bool(secret_key):
        raise ConfigError(f"{prefix}ACCESS_KEY and {prefix}SECRET_KEY: set both or neither")
    if ":" in access_key:
        raise ConfigError(f"{prefix}ACCESS_KEY: Basic credentials end it at the first colon")
    if not access_key:
        return None
    access.check_strength(f"{prefix}SECRET_KEY", secret_key)
    return Credentials(access_key, secret_key)


def _first_file(settings: Settings) -> Path:
    return settings.data_dir / CREDENTIALS


def _kept(file: Path) -> Credentials:
    """Return the credentials of a file (mode 0600), made if there is none."""
    if not file.exists():
        made = make_credentials()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(vars(made), out)
    return Credentials(**json.loads(file.read_text()))


async def ensure_first_user(registry: Registry, settings: Settings, credentials: Credentials) -> None:
    """Give these credentials to the first user (role root), unless they were revoked since."""
    if await registry.is_revoked(credentials.access_key):
        logger.warning("the key %s of the first user was revoked, and stays so", credentials.access_key)
    elif await registry.user_of_key(credentials.access_key, credentials.secret_key) is None:
        await registry.add_user(settings.company, FIRST_USER, "root", credentials.access_key, credentials.secret_key)


async def ensure_web_user(registry: Registry, settings: Settings) -> Credentials:
    """Let the web application log people in with its credentials, if names log in, and do nothing else.

    Raises ConfigError.
    """
    if not access.names_log_in(settings):
        return Credentials("", "")
    credentials = web_credentials(settings)
    if await registry.user_of_key(credentials.access_key, credentials.secret_key) is None:
        name = "web application"
        await registry.add_user(settings.company, name, WEB_ROLE, credentials.access_key, credentials.secret_key)
    return credentials
