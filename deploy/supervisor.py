"""Keeps a worker process running: Faust leaves on purpose (a hole, a lost broker) and must be started again."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import sys
import time

from schema.errors import ConfigError, EventsError
from schema.settings import Settings

FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.2, 10.0
HEALTHY_SECONDS = 30.0
GRACE_SECONDS = 25.0
STOP_FOR_GOOD = 4  # the process's exit code when starting it again would not help
SET_PARENT_DEATH_SIGNAL = 1
logger = logging.getLogger("eventide.supervise")


async def worker(settings: Settings) -> None:
    """Run ``eventide worker-process`` with this command's own arguments, again and again, until stopped."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        started = time.monotonic()
        code = await _run_once(stop)
        if stop.is_set():
            return
        _give_up(code)
        pause = FIRST_PAUSE_SECONDS if time.monotonic() - started > HEALTHY_SECONDS else pause * 2
        logger.warning("the worker process ended with %s and is started again", code)
        await _wait(stop, min(pause, LAST_PAUSE_SECONDS))


async def _run_once(stop: asyncio.Event) -> int:
    """One life of the process; on ``stop`` it is asked to end, and killed if it does not."""
    arguments = [sys.executable, "-m", "deploy", "worker-process", *sys.argv[2:]]
    process = await asyncio.create_subprocess_exec(*arguments, preexec_fn=_die_with_parent)
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


def _give_up(code: int) -> None:
    if code == 2:
        raise ConfigError("the worker's configuration is wrong, see above")
    if code == STOP_FOR_GOOD:
        raise EventsError("the worker parked too many records and stopped: see `eventide dlq`")


def _die_with_parent() -> None:
    """Linux: a supervisor that is killed must not leave a worker that nobody restarts."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
