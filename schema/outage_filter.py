"""A filter of log lines: while something is away, one line a minute for each cause, however many requests it fails."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from schema.metrics import LOG_LINES_WITHHELD

OURS = "eventide"
EVERY_SECONDS = 60.0
MAX_CAUSES = 1000
MAX_CAUSE_CHARACTERS = 300
# What differs between two lines of one cause: ids (UUIDs part by part), addresses of objects, numbers.
VARYING = re.compile(r"\b(?:0x)?[0-9a-f]{4,}\b|\d+", re.IGNORECASE)

Cause = tuple[str, str, str]  # logger, kind, text


@dataclass
class Outage:
    """A cause: when its last line was let through (monotonic seconds), and how many were withheld since."""

    told_at: float
    withheld: int = 0


class OutageFilter(logging.Filter):
    """Lets one line of a cause through every EVERY_SECONDS, with the number of those withheld since the one before.

    A cause is an exception that a line of ours reports, by its class and text, or the text of another library's line,
    both without numbers and ids. Any other line of ours tells something of its own, and is always let through.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._outages: OrderedDict[Cause, Outage] = OrderedDict()  # the one told last is last

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is let through."""
        cause = cause_of(record)
        if cause is None:
            return True
        with self._lock:
            withheld = self._withheld_before(cause)
        if withheld is None:
            LOG_LINES_WITHHELD.inc()
            return False
        record.withheld = withheld
        return True

    def _withheld_before(self, cause: Cause) -> int | None:
        """Return how many lines of a cause were withheld before this one; None if it is withheld too."""
        now = self._clock()
        outage = self._outages.get(cause)
        if outage and now - outage.told_at < EVERY_SECONDS:
            outage.withheld += 1
            return None
        self._outages[cause] = Outage(now)
        self._outages.move_to_end(cause)
        if len(self._outages) > MAX_CAUSES:
            self._outages.popitem(last=False)
        return outage.withheld if outage else 0


def cause_of(record: logging.LogRecord) -> Cause | None:
    """Return the cause that a line is about; None for one that tells something of its own."""
    if record.name.partition(".")[0] != OURS:
        return record.name, record.levelname, _alike(str(record.msg))
    arguments = record.args if isinstance(record.args, tuple) else ()
    errors = [argument for argument in arguments if isinstance(argument, BaseException)]
    return (record.name, type(errors[0]).__name__, _alike(str(errors[0]))) if errors else None


def _alike(text: str) -> str:
    return VARYING.sub("#", text[:MAX_CAUSE_CHARACTERS])
