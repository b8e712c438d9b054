"""The command ``eventide env``: shell exports for clients of a running ``eventide up`` (``eval "$(eventide env)"``)."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from deploy import first_start
from deploy.data_directory import ADDRESSES, never_used
from deploy.first_start import Credentials
from schema.settings import Settings

EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # listened on, but none to connect to


@dataclass(frozen=True)
class Addresses:
    """URLs of the API and of the files server."""

    api: str
    files: str


def addresses(host: str, port: int, files_port: int, scheme: str = "http") -> Addresses:
    """Return the URLs at which a process of this machine reaches ``eventide up``."""
    name = EVERY_ADDRESS.get(host) or (f"[{host}]" if ":" in host else host)
    return Addresses(f"{scheme}://{name}:{port}", f"{scheme}://{name}:{files_port}")


def record(directory: Path, known: Addresses) -> None:
    """Keep the addresses in the data directory, for ``eventide env``: the ports may come from flags, or be any."""
    _file(directory).write_text(json.dumps(vars(known)))


def kept_addresses(directory: Path) -> Addresses:
    """Return the addresses of the data directory's last start. Raises FileNotFoundError if there was none."""
    return Addresses(**json.loads(_file(directory).read_text()))


def env(settings: Settings) -> None:
    """Print the exports. Raises ConfigError if nothing was started on the data directory yet."""
    print(exports(*known(settings)))


def known(settings: Settings) -> tuple[Addresses, Credentials]:
    """Return where the ``up`` of the data directory listens, and its first user's keys. Raises ConfigError."""
    try:
        found = kept_addresses(settings.data_dir)
        return found, first_start.given_first(settings) or first_start.kept_first(settings)
    except FileNotFoundError as error:
        raise never_used(settings) from error


def exports(known: Addresses, credentials: Credentials) -> str:
    """Return lines for a POSIX shell: what the README's examples and the ClearML SDK read."""
    variables = {
        "EVENTIDE": known.api,
        "KEYS": f"{credentials.access_key}:{credentials.secret_key}",
        "CLEARML_API_HOST": known.api,
        "CLEARML_WEB_HOST": known.api,
        "CLEARML_FILES_HOST": known.files,
        "CLEARML_API_ACCESS_KEY": credentials.access_key,
        "CLEARML_API_SECRET_KEY": credentials.secret_key,
    }
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _file(directory: Path) -> Path:
    return directory / ADDRESSES
