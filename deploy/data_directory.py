"""The data directory belongs to its owner alone: what is in it (events, secrets' digests, keys) is nobody else's."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

from schema.errors import ConfigError
from schema.settings import Settings

OTHERS = 0o077  # permissions of group and others
PRIVATE = 0o700
STORE, LOG, REGISTRY, FILES = "chdb", "journal.sqlite", "registry.db", "files"
TOKEN_SECRET_FILE, CREDENTIALS, WEB_CREDENTIALS = "token-secret", "credentials.json", "web-credentials.json"
ADDRESSES, CONTROL, LOCK = "addresses.json", "control.sock", "lock"
OURS = (
    f"{REGISTRY}*",
    f"{LOG}*",
    "*credentials.json",
    ADDRESSES,
    CONTROL,
    TOKEN_SECRET_FILE,
    LOCK,
    STORE,
    FILES,
)

logger = logging.getLogger("eventide.access")


def make_private(directory: Path) -> None:
    """Make a directory that only its owner may enter, or mend one of an earlier version. Raises ConfigError.

    Only names that are ours are mended in it: it may be a folder that somebody keeps other things in.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    except OSError as error:
        raise ConfigError(f"EVENTIDE_DATA_DIR: {error}") from error
    for path in (directory, *(found for pattern in OURS for found in directory.glob(pattern))):
        _take_from_others(path)


def files_place(settings: Settings) -> str:
    """Return where uploaded files are kept: the URL of an object store, or a directory."""
    return settings.files_store or str(settings.data_dir.resolve() / FILES)


def never_used(settings: Settings) -> ConfigError:
    """Return the error of commands that need a data directory on which an ``up`` has run."""
    return ConfigError(f"EVENTIDE_DATA_DIR: no `eventide up` has run on {settings.data_dir.resolve()} yet")


def _take_from_others(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS:
            path.chmod(mode & ~OTHERS)
            logger.warning("%s was open to other users of this machine, and is closed to them now", path)
    except OSError as error:
        logger.warning("%s may be open to other users of this machine: %s", path, error.strerror)


def set_umask() -> None:
    """Let this process make no file that others may read."""
    os.umask(OTHERS)
