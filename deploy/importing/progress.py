"""A line on a terminal that tells how far an import is."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO

INTERVAL_SECONDS = 0.5
CLEAR = "\r\x1b[K"


class Stopped(Exception):
    """The end of an import that was interrupted."""


class Progress:
    """Points and runs as they are done, on a terminal. ``total``: the weight of all runs, if it is known."""

    def __init__(self, total: int = 0, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._is_shown = self._out.isatty()
        self._total = total
        self._is_stopped = False
        self._points = self._runs = self._weight = 0
        self._begun = self._told = time.monotonic()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Let every run end where it is."""
        self._is_stopped = True

    def points(self, count: int) -> None:
        """Count points. Raises Stopped once the import is to end."""
        if self._is_stopped:
            raise Stopped
        with self._lock:
            self._points += count
            if self._is_shown and time.monotonic() - self._told >= INTERVAL_SECONDS:
                self._tell()

    def run(self, weight: int) -> None:
        """Count a run that is done."""
        with self._lock:
            self._runs += 1
            self._weight += weight

    def message(self, text: str) -> None:
        """Print a line of its own."""
        with self._lock:
            print(f"{CLEAR if self._is_shown else ''}eventide: {text}", file=self._out, flush=True)

    def close(self) -> None:
        """Remove the line."""
        if self._is_shown:
            print(CLEAR, end="", file=self._out, flush=True)

    def _tell(self) -> None:
        self._told = time.monotonic()
        print(f"{CLEAR}{self.text(self._told - self._begun)}", end="", file=self._out, flush=True)

    def text(self, seconds: float) -> str:
        """Return the line after so many seconds: runs, points, rate, and the time that is left."""
        line = f"{self._runs} runs, {self._points} points, {self._points / max(seconds, 0.001):.0f} points/s"
        share = self._weight / self._total if self._total else 0.0
        if share:
            left = int(seconds / share - seconds)
            line += f", {100 * share:.0f} %, {left // 3600}:{left % 3600 // 60:02}:{left % 60:02} left"
        return line
