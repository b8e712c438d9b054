"""The commands ``eventide backup`` and ``eventide restore``."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import nullcontext
from pathlib import Path

from deploy import first_start
from deploy.backup import contents, control
from deploy.backup.manifest import Manifest
from deploy.data_directory import STORE, never_used
from schema.settings import Settings
from schema.store import EmbeddedEngine, Store


def backup(settings: Settings, place: str, base: str | None) -> Coroutine[None, None, None]:
    """Back up the data directory of an ``up`` that runs, or has run. Raises ConfigError, Unavailable, StoreRejected."""
    if not (settings.data_dir / STORE).exists():
        raise never_used(settings)
    asked = control.BackupRequest(place=Path(place).resolve(), base=Path(base).resolve() if base else None)
    return _back_up(settings, asked)


def restore(settings: Settings, place: str) -> None:
    """Restore a backup into an empty data directory. Raises ConfigError, Unavailable, StoreRejected."""
    source = Path(place).resolve()
    with first_start.lock_directory(settings.data_dir):
        found = contents.restore_backup(settings, source)
    print(f"{settings.data_dir.resolve()}: {_summary(found)}")
    if not found.has_registry:
        print("The registry is in PostgreSQL: restore it from a dump of the same time, or a later one.")
    if not found.has_files:
        print("The files are in an object store, and not in this backup.")


async def _back_up(settings: Settings, asked: control.BackupRequest) -> None:
    made = await control.ask(settings.data_dir, asked) or await _back_up_stopped(settings, asked)
    print(f"{asked.place}: {_summary(made)}")


async def _back_up_stopped(settings: Settings, asked: control.BackupRequest) -> Manifest:
    with first_start.lock_directory(settings.data_dir):
        store = Store(EmbeddedEngine(settings.data_dir / STORE), readers=1)
        try:
            return await contents.make_backup(settings, store, nullcontext, asked.place, asked.base)
        finally:
            store.close()


def _summary(made: Manifest) -> str:
    kind = f"what is new since {made.base}" if made.base else "a whole backup"
    return f"{kind}, made at {made.made_at} by {made.version}, {made.files} files"
