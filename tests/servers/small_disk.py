"""A file system of its own, small enough to be filled."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK = bytes(1 << 20)


@contextmanager
def small_disk(directory: Path, mb: int) -> Iterator[Path]:
    """``directory`` as a file system of ``mb`` MB. Raises PermissionError where nobody may mount one."""
    directory.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={mb}m", "tmpfs", str(directory)]
    made = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if made.returncode:
        raise PermissionError(f"no small file system: {made.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def fill(ballast: Path, mb_per_second: float) -> None:
    """Write a file until no byte more fits on its disk."""
    with ballast.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(CHUNK)
                time.sleep(len(CHUNK) / mb_per_second / 1e6)
        except OSError:
            return
