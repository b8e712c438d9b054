"""Which calls may run now: so many of each company, that those of another are never behind more than a few of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from schema.errors import TooManyCalls
from schema.fairness.fair_queue import FairQueue
from schema.fairness.shares import Share, Shares, current_share
from schema.metrics import CALLS_RUNNING, CALLS_WAITING, COMPANIES_ACTIVE

CONTESTED_CALLS = 10  # that run at once while several companies call: each then holds the event loop for about 0.2 ms
CONTESTED_SECONDS = 0.01  # of CPU on threads, in which they are done: there are fewer calls, if each takes long
FEWEST_CALLS = 4  # of one company, however many there are; fewer, if each takes long


@dataclass(frozen=True, eq=False)
class Turn:
    """A call of a company that waits, and the future of its turn."""

    share: Share
    given: asyncio.Future[None]


class Admission:
    """The calls of a process: reads and changes, which do not wait for each other.

    ``most_calls``: of one company and kind, running and waiting. ``weights``: of the companies that do not weigh 1.
    """

    def __init__(self, most_calls: int = 512, weights: Mapping[str, float] | None = None) -> None:
        self._shares = Shares(weights)
        self._changes, self._reads = CallQueue(most_calls), CallQueue(most_calls)
        COMPANIES_ACTIVE.follow(self._shares, lambda shares: shares.active_count)
        for kind, calls in (("change", self._changes), ("read", self._reads)):
            CALLS_RUNNING.follow(calls, lambda queue: queue.running_count, kind)
            CALLS_WAITING.follow(calls, lambda queue: queue.waiting_count, kind)

    def share_of(self, company: str) -> Share:
        """Return the share of a company that makes a call now; all that is done for the call counts for it."""
        share = self._shares.of(company)
        current_share.set(share)
        return share

    def queue(self, *, is_change: bool) -> CallQueue:
        """Return the queue of the calls of one kind."""
        return self._changes if is_change else self._reads


class CallQueue:
    """The calls of one kind: those that run, and by company those that wait.

    While a company is alone all of its calls run, up to ``most_calls``.
    """

    def __init__(self, most_calls: int) -> None:
        self._most = most_calls
        self._queue: FairQueue[Turn] = FairQueue(self._most_running)

    @property
    def running_count(self) -> int:
        """The number of calls that run."""
        return self._queue.running_count

    @property
    def waiting_count(self) -> int:
        """The number of calls that wait."""
        return self._queue.waiting_count

    def start(self, share: Share) -> bool:
        """Tell whether a call of a company runs at once, and then ``leave`` has to follow; else it has to wait."""
        return self._queue.start(share)

    async def wait(self, share: Share) -> None:
        """Return once a call that did not start may run; ``leave`` has to follow. Raises TooManyCalls.

        Cancelled, it gives its place up.
        """
        if self._queue.running(share) + self._queue.waiting(share) >= self._most:
            raise TooManyCalls(f"More than {self._most} calls of this company are under way")
        turn = Turn(share, asyncio.get_running_loop().create_future())
        self._queue.push(share, turn)
        try:
            await turn.given
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def leave(self, share: Share) -> None:
        """Note that a call has ended, and let the next ones run."""
        self._queue.finish(share, 0.0)
        share.end_call()
        if self._queue.waiting_count:
            self._grant()

    def _give_up(self, turn: Turn) -> None:
        """Leave the queue; a turn that was given just before goes to the next."""
        if turn.given.cancelled():
            self._queue.discard(turn.share, turn)
        else:
            self.leave(turn.share)

    def _grant(self) -> None:
        while turn := self._queue.pop():
            if turn.given.cancelled():  # whoever waited has not come to leave the queue yet
                self._queue.finish(turn.share, 0.0)
            else:
                turn.given.set_result(None)

    def _most_running(self, share: Share) -> int:
        if share.is_alone:
            return self._most
        calls = max(1, min(CONTESTED_CALLS, int(CONTESTED_SECONDS / max(share.call_seconds, 1e-6))))
        return max(FEWEST_CALLS * calls // CONTESTED_CALLS, share.most(calls))
