"""``python skewed.py SECONDS COMMAND …``: ``eventide COMMAND …`` in a process whose clock is wrong by so much."""

from __future__ import annotations

import sys
import time
from pathlib import Path


def skew(seconds: float) -> None:
    """Move what Python reads as the time of day; intervals stay true, as those of a clock that is set wrong do."""
    right, right_ns = time.time, time.time_ns
    time.time = lambda: right() + seconds
    time.time_ns = lambda: right_ns() + round(seconds * 1e9)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    skew(float(sys.argv.pop(1)))
    from deploy.__main__ import main

    main()
