"""What a backup of ``eventide up`` consists of, and the order in which it is made and restored.

The write-ahead log keeps what it has from before the store is copied until it is copied itself: so each event that was
acknowledged by then is in the store's part or in the log's, and what is in both is written again at the next start,
which changes nothing. The registry and the files are copied last: each event's task and files are there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

from deploy import first_start
from deploy.backup import manifest, parts
from deploy.backup.manifest import Manifest
from deploy.data_directory import FILES, LOG, REGISTRY, STORE, files_place
from schema.errors import ConfigError
from schema.settings import Settings
from schema.store import EmbeddedEngine, Store
from schema.store.backups import back_up, restore_from

KeepingLog = Callable[[], AbstractAsyncContextManager[None]]
MARK = "restoring"  # a file of a data directory that is not whole yet


async def make_backup(
    settings: Settings, store: Store, keeping_log: KeepingLog, place: Path, base: Path | None = None
) -> Manifest:
    """Make a backup in a new directory; with ``base``, a whole backup, only what it has not.

    While ``keeping_log`` is entered, the write-ahead log forgets nothing. Raises ConfigError, Unavailable and
    StoreRejected; what was made is removed then.
    """
    await asyncio.to_thread(_begin, place, base)
    try:
        async with keeping_log():
            await asyncio.to_thread(_copy_events, settings, store, place, base)
        return await asyncio.to_thread(_copy_others, settings, place, base)
    except BaseException:
        with suppress(RecursionError):  # clients choose how deep folders of files are
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        raise


def restore_backup(settings: Settings, place: Path) -> Manifest:
    """Restore a backup into a data directory that is empty, and whose lock the caller holds. Raises ConfigError."""
    found, target = manifest.read(place), settings.data_dir
    if base := found.base_of(place):
        manifest.read(base)
    if others := {file.name for file in target.iterdir()} - {first_start.lock_file(target).name}:
        raise ConfigError(
            f"EVENTIDE_DATA_DIR: {target.resolve()} has {min(others)}; a backup is restored into an empty one"
        )
    (target / MARK).touch()
    _restore_store(target / STORE, place / STORE, base / STORE if base else None)
    parts.copy_secrets(place, target)
    for name in (LOG, REGISTRY):
        if (place / name).exists():
            parts.copy_database(place / name, target / name)
    if (files := _files_directory(settings)) and found.has_files:
        parts.copy_files(place / FILES, files)
    (target / MARK).unlink()
    return found


def check_is_whole(directory: Path) -> None:
    """Raise ConfigError for a data directory in which a restore did not end."""
    if (directory / MARK).exists():
        raise ConfigError(f"EVENTIDE_DATA_DIR: a restore into {directory} did not end: empty it, and restore again")


def _restore_store(directory: Path, place: Path, base: Path | None) -> None:
    store = Store(EmbeddedEngine(directory), readers=1)
    try:
        restore_from(store, place, base)
    finally:
        store.close()


def _begin(place: Path, base: Path | None) -> None:
    if base and manifest.read(base).base:
        raise ConfigError(f"{base} needs a base itself; give the whole backup that it was made on")
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"{place}: a backup is made in a new directory: {error.strerror}") from error


def _copy_events(settings: Settings, store: Store, place: Path, base: Path | None) -> None:
    back_up(store, place / STORE, base / STORE if base else None)
    parts.copy_database(settings.data_dir / LOG, place / LOG)


def _copy_others(settings: Settings, place: Path, base: Path | None) -> Manifest:
    data, files = settings.data_dir, _files_directory(settings)
    if not settings.registry_url:
        parts.copy_database(data / REGISTRY, place / REGISTRY)
    parts.copy_secrets(data, place)
    count = parts.copy_files(files, place / FILES, base / FILES if base else None) if files else 0
    relative = os.path.relpath(base, place) if base else None
    made = Manifest(base=relative, has_registry=not settings.registry_url, has_files=bool(files), files=count)
    os.sync()  # a manifest promises that all of it is on the disk
    return manifest.write(place, made)


def _files_directory(settings: Settings) -> Path | None:
    """Return the directory of uploaded files; None if an object store has them."""
    place = files_place(settings)
    return None if "://" in place else Path(place)
