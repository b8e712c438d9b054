"""How soon a thread that computes hands Python's lock to one that waits, as the event loop does at every turn."""

from __future__ import annotations

import sys

# With Python's 5 ms, a call that goes through two threads takes 7 to 11 ms beside one that computes; with 1 ms 2 to 3.
ALONE_SECONDS = 0.001
# A write takes some ten turns of the loop and of threads: beside a flood of another company its p99 of 113 ms was 80,
# that of a read 60 in place of 83.
SHARED_SECONDS = 0.0001


def switch_threads(*, are_shared: bool) -> None:
    """Let threads hand Python's lock over soon, or, if several companies share them, at once."""
    sys.setswitchinterval(SHARED_SECONDS if are_shared else ALONE_SECONDS)
