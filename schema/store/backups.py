"""Backups of the store by ClickHouse's own BACKUP and RESTORE, in directories of this machine."""

from __future__ import annotations

from pathlib import Path

from schema.store.store import Store


def back_up(store: Store, place: Path, base: Path | None = None) -> None:
    """Copy all tables into a new directory; with ``base``, an earlier backup, only what that has not.

    Each table is as it was at a moment of its own. Raises Unavailable and StoreRejected.
    """
    store.execute(f"BACKUP DATABASE default TO {_file(place)}{_settings(base)}")


def restore_from(store: Store, place: Path, base: Path | None = None) -> None:
    """Make the tables of a backup in an empty store. ``base``: where the backup is now that it was made on.

    Raises Unavailable and StoreRejected.
    """
    store.execute(f"RESTORE DATABASE default FROM {_file(place)}{_settings(base)}")


def _settings(base: Path | None) -> str:
    return f" SETTINGS base_backup = {_file(base)}" if base else ""


def _file(place: Path) -> str:
    escaped = str(place.resolve()).replace("\\", "\\\\").replace("'", "\\'")
    return f"File('{escaped}')"
