"""The manifest of a backup: written last, so that a backup without one did not end."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from schema.build import build
from schema.errors import ConfigError

NAME = "manifest.json"
FORMAT = 1


class Manifest(BaseModel):
    """What a backup is.

    ``base``: the relative path of the whole backup that this one needs, None for a whole one. ``has_registry`` and
    ``has_files``: False where PostgreSQL or S3 has them, which have backups of their own.
    """

    format: int = FORMAT
    version: str = ""
    made_at: str = ""
    base: str | None = None
    has_registry: bool = True
    has_files: bool = True
    files: int = 0

    def base_of(self, place: Path) -> Path | None:
        """Return the directory of the base of this backup, which is at ``place``."""
        return (place / self.base).resolve() if self.base else None


def write(place: Path, manifest: Manifest) -> Manifest:
    """Complete a backup with its manifest, synced to the disk before it has its name."""
    complete = manifest.model_copy(update={"version": str(build()), "made_at": datetime.now(UTC).isoformat()})
    part = place / f"{NAME}.part"
    with part.open("w") as file:
        file.write(complete.model_dump_json(indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(place / NAME)
    return complete


def read(place: Path) -> Manifest:
    """Read the manifest of a backup. Raises ConfigError if it is none, did not end, or is of a newer version."""
    try:
        found = Manifest.model_validate_json((place / NAME).read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"{place} is no backup, or one that did not end: it has no {NAME}") from error
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{place / NAME} cannot be read: {error}") from error
    if found.format > FORMAT:
        raise ConfigError(f"{place} was made by a newer version of Eventide ({found.version})")
    return found
