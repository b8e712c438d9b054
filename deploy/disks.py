"""The metric of free disks."""

from __future__ import annotations

import shutil
from pathlib import Path

from schema.metrics import DISK_FREE, DISK_SIZE, NOT_KNOWN


def measure_disk(name: str, directory: Path) -> None:
    """Have metrics tell the bytes of the disk of a directory, which may not exist yet, and how many are free."""
    DISK_FREE.labels(name).set_function(lambda: _bytes(directory)[0])
    DISK_SIZE.labels(name).set_function(lambda: _bytes(directory)[1])


def _bytes(directory: Path) -> tuple[float, float]:
    """Return the free and all bytes of the disk of the nearest directory that exists; NaN if that cannot be told."""
    try:
        usage = shutil.disk_usage(next(path for path in (directory, *directory.parents) if path.is_dir()))
    except (OSError, StopIteration):
        return NOT_KNOWN, NOT_KNOWN
    return usage.free, usage.total
