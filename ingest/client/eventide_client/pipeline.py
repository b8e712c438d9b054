"""From ``log`` to the server: a queue in memory, a thread that writes it to the spool, and one that sends the spool.

``put`` takes under a microsecond and no lock. What it took is in the spool, and survives this process, after
``WRITE_SECONDS`` and what others keep Python's lock for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from eventide_client.api import Unavailable
from eventide_client.backoff import Backoff
from eventide_client.delivery import Delivery
from eventide_client.spool import Spool, SpoolFull

WRITE_SECONDS = 0.02  # calls of so long go to the spool with one write
SEND_SECONDS = 1.0
MAX_QUEUED = 10_000  # calls of ``log``
AT_ONCE = 500  # calls that are encoded before a write: 13 ms with 50 values each

Encode = Callable[..., bytes]

logger = logging.getLogger("eventide_client")


class Pipeline:
    """The two threads of one process. ``dropped``: calls for which there was no room."""

    def __init__(self, spool: Spool, delivery: Delivery, max_block_seconds: float) -> None:
        self.dropped = 0
        self._spool = spool
        self._delivery = delivery
        self._max_block_seconds = max_block_seconds
        self._queue: deque[tuple[Encode, tuple[object, ...]]] = deque()
        self._wake, self._room = threading.Event(), threading.Event()
        self._ending, self._is_stuck = threading.Event(), False
        self._flushed, self._hurried = threading.Event(), threading.Event()
        self._flushed.set()
        self._writer = threading.Thread(target=self._write, name="eventide-writer", daemon=True)
        self._sender = threading.Thread(target=self._send, name="eventide-sender", daemon=True)
        self._writer.start()
        self._sender.start()

    def after_end(self, action: Callable[[], None]) -> None:
        """Do something once no thread uses the spool any more, which may take as long as a disk or server hangs."""
        threading.Thread(target=self._after_end, args=(action,), name="eventide-end", daemon=True).start()

    def put(self, encode: Encode, *arguments: object) -> None:
        """Queue what ``encode`` returns of arguments, the lines of some events; it is called on another thread.

        Waits if the disk is slow, at most for the configured time; then what there is no room for is dropped and
        counted until there is room again.
        """
        if len(self._queue) >= MAX_QUEUED and not self._has_room():
            self._drop("the disk is too slow")
            return
        self._queue.append((encode, arguments))
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, seconds: float) -> bool:
        """Wait until all that was put is in the spool; tell whether it is."""
        deadline = time.monotonic() + seconds
        while self._queue or not self._flushed.is_set():
            self._wake.set()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        return True

    def close(self, seconds: float) -> bool:
        """Write and send what is left, for so long at most; tell whether the server has it all."""
        deadline = time.monotonic() + seconds
        self._ending.set()
        self._wake.set()
        self._writer.join(max(0.1, seconds))
        self._hurried.set()
        self._sender.join(max(0.0, deadline - time.monotonic()))
        return not self._sender.is_alive() and not self._spool.segments()

    def _after_end(self, action: Callable[[], None]) -> None:
        self._writer.join()
        self._sender.join()
        action()

    def _has_room(self) -> bool:
        if self._is_stuck:
            return False
        self._room.clear()
        if len(self._queue) >= MAX_QUEUED and not self._room.wait(self._max_block_seconds):
            self._is_stuck = True
            return False
        return True

    def _drop(self, reason: str) -> None:
        if not self.dropped:
            logger.error("eventide: values are dropped: %s", reason)
        self.dropped += 1

    def _write(self) -> None:
        """Move the queue to the spool until the end."""
        while not self._ending.is_set() or self._queue:
            self._wake.wait()
            if not self._ending.is_set():
                time.sleep(WRITE_SECONDS)
            self._wake.clear()
            self._flushed.clear()
            while self._queue:
                self._append([self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))])
            self._flushed.set()

    def _append(self, calls: Iterable[tuple[Encode, tuple[object, ...]]]) -> None:
        lines = [_encoded(encode, arguments) for encode, arguments in calls]
        if len(self._queue) < MAX_QUEUED // 2:
            self._is_stuck = False
            self._room.set()
        try:
            self._spool.append(b"".join(lines))
        except SpoolFull as error:
            for _ in lines:
                self._drop(str(error))

    def _send(self) -> None:
        """Send the spool until the end; after the end once more, whatever the pause was."""
        backoff, pause, is_last = Backoff(), SEND_SECONDS, False
        while not is_last:
            is_last = self._hurried.wait(pause)
            try:
                self._send_once(is_last, is_away=pause != SEND_SECONDS)
                pause = SEND_SECONDS
                backoff.reset()
            except Unavailable as error:
                if is_last or pause == SEND_SECONDS:  # not again at each attempt
                    logger.warning("eventide: events wait in %s: %s", self._spool.folder, error)
                pause = backoff.pause(error.retry_after_seconds)
            except Exception:
                logger.exception("eventide: events stay in %s", self._spool.folder)
                return

    def _send_once(self, is_last: bool, is_away: bool) -> None:
        """Send what there is. While the server is away segments grow to their full size. Raises Unavailable."""
        if is_last or not is_away or not self._spool.segments():
            self._spool.close_segment()
        self._delivery.send()
        if is_last:
            self._delivery.send_end()


def _encoded(encode: Encode, arguments: tuple[object, ...]) -> bytes:
    try:
        return encode(*arguments)
    except Exception:  # what one call was given must not keep the others from the spool
        logger.exception("eventide: a value cannot be logged")
        return b""
