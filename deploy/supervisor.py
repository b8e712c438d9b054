"""The supervisor of a worker process, which ends on purpose (an offset gap, a lost broker) and is started again.

A failure that comes back each time ends the supervisor, so that systemd, Docker or Kubernetes see it.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import sys
import time
from collections.abc import Sequence

from schema.errors import ConfigError, EventsError
from schema.settings import Settings

FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.2, 10.0
HEALTHY_SECONDS = 30.0  # a process that ran for so long is started again without a long pause
LASTING_SECONDS = 120.0  # and one that ran for so long did not fail at its start
MAX_FAILURES = 15  # in a row, over two minutes and more
GRACE_SECONDS = 25.0
# Exit codes of the process, beside 0, 1 (failed) and 2 (wrong configuration).
STOP_FOR_GOOD = 4  # starting it again would not help
RESTART = 5  # Kafka was lost, or records were skipped: start it again, however often that happens
SET_PARENT_DEATH_SIGNAL = 1
logger = logging.getLogger("eventide.supervise")


async def worker(settings: Settings) -> None:
    """Run ``eventide worker-process`` with this command's own arguments, again and again, until stopped.

    Raises ConfigError and EventsError, as ``keep_running``.
    """
    await keep_running([sys.executable, "-m", "deploy", "worker-process", *sys.argv[2:]])


async def keep_running(command: Sequence[str], last_pause_seconds: float = LAST_PAUSE_SECONDS) -> None:
    """Start a command again whenever it ends, with growing pauses, until SIGTERM or SIGINT.

    Raises ConfigError or EventsError once that is of no use: at once if its exit code says so, or after MAX_FAILURES
    failures in a row, each within LASTING_SECONDS of its start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pause, failures = FIRST_PAUSE_SECONDS, 0
    while not stop.is_set():
        started = time.monotonic()
        code = await _run_once(command, stop)
        if stop.is_set():
            return
        lived_seconds = time.monotonic() - started
        failures = 0 if code == RESTART or lived_seconds > LASTING_SECONDS else failures + 1
        _give_up(code, failures)
        pause = FIRST_PAUSE_SECONDS if lived_seconds > HEALTHY_SECONDS else pause * 2
        logger.warning("the worker process ended with %s and is started again", code)
        await _wait(stop, min(pause, last_pause_seconds))


async def _run_once(command: Sequence[str], stop: asyncio.Event) -> int:
    """Run the process once; on ``stop`` it is asked to end, and killed if it does not."""
    process = await asyncio.create_subprocess_exec(*command, preexec_fn=_die_with_parent)
    ended = asyncio.create_task(process.wait())
    await asyncio.wait((ended, asyncio.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        process.terminate()
        await asyncio.wait((ended,), timeout=GRACE_SECONDS)
        if not ended.done():
            process.kill()
    return await ended


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _give_up(code: int, failures: int) -> None:
    """Raise what ends the supervisor, if the process's last exit code or the failures in a row say so."""
    if code == 2:
        raise ConfigError("the worker's configuration is wrong, see above")
    if code == STOP_FOR_GOOD:
        raise EventsError("the worker parked too many records and stopped: see `eventide dlq`")
    if failures >= MAX_FAILURES:
        raise EventsError(f"the worker failed {failures} times in a row, last with exit code {code}: see its log above")


def _die_with_parent() -> None:
    """Have the kernel kill the worker with its supervisor, as nobody would restart it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
