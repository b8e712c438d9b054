"""Where the server is, who logs in, and where the spools are: arguments, then the environment, then a file."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME = Path("~/.eventide")  # the spools, and ``client.ini`` with a section ``[client]``
FILE, SECTION = "client.ini", "client"
DEFAULTS = {"api": "http://127.0.0.1:8008", "max_spool_bytes": str(10 << 30), "max_block_seconds": "1.0"}
# Of each field the variables that may say it, the first wins. What `eventide env` exports is among them.
VARIABLES = {
    "api": ("EVENTIDE_API", "CLEARML_API_HOST"),
    "files": ("EVENTIDE_API_FILES", "CLEARML_FILES_HOST"),
    "access_key": ("EVENTIDE_ACCESS_KEY", "CLEARML_API_ACCESS_KEY"),
    "secret_key": ("EVENTIDE_SECRET_KEY", "CLEARML_API_SECRET_KEY"),
    "spool": ("EVENTIDE_SPOOL",),
    "max_spool_bytes": ("EVENTIDE_MAX_SPOOL_BYTES",),
    "max_block_seconds": ("EVENTIDE_MAX_BLOCK_SECONDS",),
}


@dataclass(frozen=True)
class Configuration:
    """How the client reaches Eventide.

    ``api``: address of the server. ``files``: address of its files server. ``spool``: folder of the spools.
    ``max_spool_bytes``: of one process's spool; beyond it new values are dropped and counted. ``max_block_seconds``:
    for how long a call of ``log`` may wait for the disk.
    """

    api: str
    files: str
    access_key: str
    secret_key: str
    spool: Path
    max_spool_bytes: int
    max_block_seconds: float


def read_configuration(environment: Mapping[str, str], **given: object) -> Configuration:
    """Return the configuration. ``given``: values of fields that win over all others. Raises ValueError."""
    found = DEFAULTS | _file(Path(environment.get("HOME", "~")).expanduser() / HOME.name / FILE)
    for name, variables in VARIABLES.items():
        values = [str(given[name])] if given.get(name) is not None else []
        values += [environment[variable] for variable in variables if environment.get(variable)]
        found.update({name: values[0]} if values else {})
    api = found["api"].rstrip("/")
    if not api.startswith(("http://", "https://")):
        raise ValueError(f"EVENTIDE_API: http://host:port or https://host:port is expected, not {api!r}")
    return Configuration(
        api=api,
        files=found.get("files", f"{api}/files").rstrip("/"),
        access_key=found.get("access_key", ""),
        secret_key=found.get("secret_key", ""),
        spool=Path(found.get("spool") or HOME / "spool").expanduser(),
        max_spool_bytes=int(found["max_spool_bytes"]),
        max_block_seconds=float(found["max_block_seconds"]),
    )


def _file(path: Path) -> dict[str, str]:
    """Return what the file says; nothing if there is none. Raises ValueError for one that cannot be read."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path)
    except configparser.Error as error:
        raise ValueError(f"{path}: {error}") from error
    return dict(parser[SECTION]) if parser.has_section(SECTION) else {}
