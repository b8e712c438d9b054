"""What processes left in their spools is sent: after a crash, or a week without network."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from eventide_client.api import Api, Unavailable
from eventide_client.backoff import Backoff
from eventide_client.configuration import Configuration
from eventide_client.delivery import Delivery
from eventide_client.spool import Spool, spools_in

FAILED = "failed"

logger = logging.getLogger("eventide_client")


def sync(root: Path, configuration: Configuration, patience_seconds: float = 0.0) -> int:
    """Send all spools below a folder, but those of processes that run; return how many are left.

    ``patience_seconds``: for how long to try again while the server is away.
    """
    left = 0
    for folder in spools_in(root):
        try:
            spool = Spool(folder, configuration.max_spool_bytes)
        except (BlockingIOError, FileNotFoundError):
            logger.warning("eventide: %s is in use, and left alone", folder)
            continue
        left += not _is_sent(spool, configuration, patience_seconds, FAILED)
    return left


def send_spools_of(run_id: str, configuration: Configuration) -> None:
    """Send what processes of a run that are gone have left, such as forked ones, which end without a word."""
    for folder in spools_in(configuration.spool):
        if folder.name.startswith(run_id):
            try:
                spool = Spool(folder, configuration.max_spool_bytes)
            except (BlockingIOError, FileNotFoundError):
                continue
            _is_sent(spool, configuration, 0.0, "")


def _is_sent(spool: Spool, configuration: Configuration, patience_seconds: float, if_unknown: str) -> bool:
    """Send a spool and remove it; tell whether that was done."""
    delivery = Delivery(spool, Api(configuration, spool.run.get("worker", "")))
    backoff, deadline = Backoff(), time.monotonic() + patience_seconds
    while True:
        try:
            delivery.send()
            delivery.send_end(if_unknown)
            spool.discard()
            return True
        except Unavailable as error:
            pause = backoff.pause(error.retry_after_seconds)
            if time.monotonic() + pause > deadline:
                logger.error("eventide: %s stays: %s", spool.folder, error)
                spool.release()
                return False
            time.sleep(pause)
