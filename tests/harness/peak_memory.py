"""The peak of this process's memory, which a parent's does not raise."""

from __future__ import annotations

import re
from pathlib import Path


def peak_mebibytes() -> int:
    """Return the most MiB that this program had resident.

    Linux's ``ru_maxrss`` outlives ``exec``: a child of a large process is told its parent's peak as its own.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "Linux tells the peak of a process's memory"
    return int(found[1]) >> 10
