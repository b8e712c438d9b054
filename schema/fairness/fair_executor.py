"""Threads that companies share fairly: work waits behind other work of its own company, and starts by fair queueing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from schema.fairness.fair_queue import FairQueue
from schema.fairness.interruption import Interruption
from schema.fairness.shares import Share, current_share
from schema.metrics import JOBS_WAITING, THREADS, THREADS_BUSY

Result = TypeVar("Result")


class Job:
    """Work of a company, and the future of its result in the event loop that waits for it."""

    __slots__ = ("_arguments", "_context", "_loop", "_work", "is_left", "result", "share")

    def __init__(self, share: Share, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.share = share
        self._work, self._arguments = work, arguments
        self._context = copy_context()  # so that log lines and traces know whose request it is
        self._loop = asyncio.get_running_loop()
        self.result: asyncio.Future[Any] = self._loop.create_future()
        self.is_left = False  # whether nobody waits any more

    def run(self) -> None:
        """Run the work on this thread, unless nobody waits for it any more."""
        if self.is_left:
            return
        try:
            settle = partial(self._settle, self._context.run(self._work, *self._arguments), None)
        except BaseException as error:
            settle = partial(self._settle, None, error)
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(settle)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.result.done():
            return
        if error is None:
            self.result.set_result(result)
        else:
            self.result.set_exception(error)


class FairExecutor:
    """A pool of threads. ``threads``: that one company may have while it is alone, less while there are others.

    ``spare``: threads beyond these, so that one company never has them all. A ThreadPoolExecutor under the queue would
    make a second future of each job, which takes 40 µs.
    """

    def __init__(self, threads: int, name: str, spare: int = 1) -> None:
        self._queue: FairQueue[Job] = FairQueue(lambda share: share.most(threads))
        self._most_threads, self._name = threads + spare, name
        self._lock = threading.Lock()
        self._workers = 0  # threads that run jobs, or are called to
        self._threads: list[threading.Thread] = []
        self._calls: SimpleQueue[bool] = SimpleQueue()  # of threads: to work (True), to end
        THREADS.follow(self, lambda pool: pool._most_threads, name)
        THREADS_BUSY.follow(self, lambda pool: pool._workers, name)
        JOBS_WAITING.follow(self, lambda pool: pool._queue.waiting_count, name)

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Return the result of work that runs on a thread, for the company that the context says.

        Cancelled, it gives its place up if it still waits; what runs already goes on, and nobody reads its result.
        """
        job = Job(current_share.get(), work, arguments)
        self._submit(job)
        try:
            return cast(Result, await job.result)
        except asyncio.CancelledError:
            job.is_left = True
            with self._lock:
                self._queue.discard(job.share, job)
            raise

    async def run_interruptible(self, work: Callable[[Interruption], Result]) -> Result:
        """Return the result of work like ``run``; cancelled, what runs already is interrupted."""
        interruption = Interruption()
        try:
            return await self.run(work, interruption)
        except asyncio.CancelledError:
            asyncio.get_running_loop().run_in_executor(None, copy_context().run, interruption.abandon)
            raise

    def shutdown(self) -> None:
        """Wait for what was submitted, and end the threads."""
        with self._lock:
            threads, self._threads = self._threads, []
        for _ in threads:
            self._calls.put(False)
        for thread in threads:
            thread.join()

    def _submit(self, job: Job) -> None:
        with self._lock:
            self._queue.push(job.share, job)
            if self._workers == self._most_threads:
                return
            self._workers += 1
            if self._workers > len(self._threads):
                self._start_thread()
        self._calls.put(True)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while self._calls.get():
            self._work()

    def _work(self) -> None:
        """Run jobs as long as there is one that may start; what may not, starts behind one that runs."""
        job = self._next(None, 0.0)
        while job:
            started, started_cpu = time.monotonic(), time.thread_time()
            job.run()
            job.share.spend(time.thread_time() - started_cpu)
            job = self._next(job, time.monotonic() - started)

    def _next(self, done: Job | None, seconds: float) -> Job | None:
        """Return the next job, behind one that is done; None if this thread is not needed."""
        with self._lock:
            if done:
                self._queue.finish(done.share, seconds)
            job = self._queue.pop()
            if job is None:
                self._workers -= 1
            return job
