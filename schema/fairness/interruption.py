"""The interruption of work on a thread, once nobody waits for its result."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schema.errors import ClientGone

logger = logging.getLogger("eventide.interruption")


class Interruption:
    """What a thread that works and those that may interrupt it share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._interrupt: Callable[[], object] | None = None

    @contextmanager
    def by(self, interrupt: Callable[[], object]) -> Iterator[None]:
        """Let ``interrupt``, called on another thread, end what runs inside. Raises ClientGone if it is too late.

        It is never called once the block has ended: it might end what the same connection does next.
        """
        with self._lock:
            if self._is_abandoned:
                raise ClientGone("Nobody waits for this any more")
            self._interrupt = interrupt
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = None

    def abandon(self) -> None:
        """Interrupt what runs, or is about to. Blocks as long as that takes; a failure is logged."""
        with self._lock:
            self._is_abandoned = True
            if self._interrupt:
                try:
                    self._interrupt()
                except Exception:
                    logger.warning("a read could not be interrupted", exc_info=True)
