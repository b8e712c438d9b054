"""The metric of free disks."""

from __future__ import annotations

import shutil
from pathlib import Path

from schema.metrics import DISK_FREE


def measure_disk(name: str, directory: Path) -> None:
    """Have metrics tell how many bytes are free on the disk of a directory, which may not exist yet."""
    DISK_FREE.labels(name).set_function(lambda: _free_bytes(directory))


def _free_bytes(directory: Path) -> float:
    """Return the free bytes of the nearest directory that exists; NaN if that cannot be told."""
    try:
        return float(shutil.disk_usage(next(path for path in (directory, *directory.parents) if path.is_dir())).free)
    except (OSError, StopIteration):
        return float("nan")
