"""Settings -> who gets in: secrets that are strong enough, the key of tokens, and how the ClearML web app logs in."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.data_directory import TOKEN_SECRET_FILE, make_private
from schema.errors import ConfigError
from schema.http.loopback import is_loopback
from schema.settings import Settings

if TYPE_CHECKING:  # a worker has no use for the registry's libraries
    from schema.registry import Registry

MIN_TOKEN_SECRET, MIN_SECRET_KEY = 32, 8  # characters
TOKEN_SECRET = "token"  # its name in the registry, where earlier versions kept it
TOKEN_SECRET_DIGEST = "token digest"


async def token_secret(registry: Registry, settings: Settings) -> str:
    """Return the key of tokens and cursors.

    It is the setting's, or else in a file of the data directory: never in the registry, so that a copy of that forges
    nothing. Raises ConfigError, also if other processes on the registry have another key from their own directories.
    """
    if given := settings.token_secret.get_secret_value():
        check_strength("EVENTIDE_TOKEN_SECRET", given, MIN_TOKEN_SECRET)
        await registry.forget_secrets(TOKEN_SECRET, TOKEN_SECRET_DIGEST)
        return given
    make_private(settings.data_dir)
    await registry.forget_secrets(TOKEN_SECRET)
    kept = kept_secret(settings.data_dir / TOKEN_SECRET_FILE)
    digest = hashlib.sha256(kept.encode()).hexdigest()  # of 256 random bits, which nobody finds by trying
    if settings.registry_url and await registry.agreed(TOKEN_SECRET_DIGEST, digest) != digest:
        raise ConfigError("EVENTIDE_TOKEN_SECRET: other processes on this registry have another key; set one for all")
    return kept


def other_token_secrets(settings: Settings) -> tuple[str, ...]:
    """Return the keys whose tokens and cursors are accepted too. Raises ConfigError for one that can be guessed."""
    if not (given := settings.token_secret_previous.get_secret_value()):
        return ()
    check_strength("EVENTIDE_TOKEN_SECRET_PREVIOUS", given, MIN_TOKEN_SECRET)
    return (given,)


def kept_secret(file: Path) -> str:
    """Return the secret in a file (mode 0600), made if there is none. Raises ConfigError."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(f"EVENTIDE_DATA_DIR: {error}") from error
    return file.read_text().strip()


def check_strength(variable: str, secret: str, characters: int = MIN_SECRET_KEY) -> None:
    """Raise ConfigError for a secret that can be guessed."""
    if len(secret) < characters:
        raise ConfigError(f"{variable}: at least {characters} characters are expected (`openssl rand -hex 32`)")
    if len(set(secret)) < characters // 4 + 2:
        raise ConfigError(f"{variable}: too few different characters: it can be guessed (`openssl rand -hex 32`)")


def names_log_in(settings: Settings) -> bool:
    """Tell whether the ClearML web app logs people in by a name alone.

    Where EVENTIDE_WEB_LOGIN does not say: only if there is a web app, and nothing but this machine reaches it.
    """
    if settings.web_login:
        return settings.web_login == "name"
    return bool(settings.web_dir or settings.web_access_key) and is_loopback(settings.host)


def names_in(setting: str) -> frozenset[str]:
    """Return the names between the commas of a setting, in lower case."""
    return frozenset(name.strip().lower().rstrip("/") for name in setting.split(",") if name.strip())


def is_origin(text: str) -> bool:
    """Tell whether a text is an origin as browsers write it."""
    return re.fullmatch(r"https?://[^/?#@\s]+", text) is not None
