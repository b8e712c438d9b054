"""The hub of all streams of a process: one loop that reads what is new of all watched entities.

Each round reads the watermarks of all watched entities at once, and the new points of those that moved in one
statement, however many streams watch them; then it rests at least REST times as long as that took, so that watching
never takes more than its share of the store. The loop runs while there are streams.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field

from query.live.messages import StreamMessage, reset_message
from query.live.new_points import BatchRange, points
from query.live.rounds import EntityChange, audiences, change_message, events_for
from query.live.stream_quotas import StreamQuotas
from query.live.subscription import Subscription
from query.live.watermarks import EntityWatermark, StreamPosition, read_watermarks
from schema.api.wire import Caller
from schema.changefeed.changefeed import Changefeed
from schema.errors import EventsError, TooManyStreams, Unavailable
from schema.metrics import STREAMS
from schema.quotas.kinds import Subject
from schema.registry import Entity
from schema.store import Store

ROUND_SECONDS = 0.4
REST = 3
MAX_STREAMS = 1024
STREAMS_AT_ONCE = 4  # that are told between two turns of the event loop: to write to one takes some 50 us

logger = logging.getLogger("eventide.watching")


@dataclass(frozen=True)
class StreamLimits:
    """The streams that one company, and one user, may have open."""

    of_company: int = 256
    of_user: int = 64


@dataclass
class WatchedEntity:
    """An entity that streams watch. ``version``: its version when ``watermark`` was read."""

    entity: Entity
    watermark: EntityWatermark
    version: int
    subscriptions: set[Subscription] = field(default_factory=set)

    def moved_to(self, now: EntityWatermark, new: StreamMessage | None) -> EntityChange:
        """Move the watermark; return what has changed. ``new``: the new points, if they were read."""
        before, self.watermark = self.watermark, now
        return EntityChange(self.entity.id, before, now, new)


class StreamHub:
    """All streams of a process."""

    def __init__(
        self, store: Store, changefeed: Changefeed, quotas: StreamQuotas, limits: StreamLimits = StreamLimits()
    ) -> None:
        self._store = store
        self._changefeed = changefeed
        self._quotas = quotas
        self._limits = limits
        self._subscriptions: dict[Subscription, frozenset[Subject]] = {}  # with whose quotas count it
        self._watched: dict[str, WatchedEntity] = {}
        self._loop: asyncio.Task[None] | None = None
        self._is_closed = False
        STREAMS.follow(self, lambda hub: len(hub._subscriptions))

    async def subscribe(
        self,
        caller: Caller,
        entities: Sequence[Entity],
        wants_points: bool,
        positions: Mapping[str, StreamPosition] | None,
    ) -> Subscription:
        """Open a stream of what is new from now on, or from a position.

        Raises TooManyStreams if the user, the company or a project has too many, and Unavailable if the process has.
        """
        self._check_room(caller)
        subscription = Subscription(caller, entities, wants_points)
        self._subscriptions[subscription] = self._quotas.open(caller, entities)
        try:
            await self._join(subscription, positions)
        except BaseException:
            self.unsubscribe(subscription)
            raise
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run(), context=Context())  # for no company in particular
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a stream that has ended; a second time nothing happens."""
        self._quotas.close(self._subscriptions.pop(subscription, ()))
        for key in subscription.entities:
            if watched := self._watched.get(key):
                watched.subscriptions.discard(subscription)
                if not watched.subscriptions:
                    del self._watched[key]

    async def close(self) -> None:
        """End every stream, and take no more."""
        self._is_closed = True
        for subscription in self._subscriptions:
            subscription.close()
        if self._loop:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    def _check_room(self, caller: Caller) -> None:
        if self._is_closed:
            raise Unavailable("The process is ending")
        of_company = [one.caller.user for one in self._subscriptions if one.caller.company == caller.company]
        if of_company.count(caller.user) >= self._limits.of_user:
            raise TooManyStreams(f"A user has at most {self._limits.of_user} streams open")
        if len(of_company) >= self._limits.of_company:
            raise TooManyStreams(f"A company has at most {self._limits.of_company} streams open")
        if len(self._subscriptions) >= MAX_STREAMS:
            raise Unavailable("Too many streams")

    async def _join(self, subscription: Subscription, positions: Mapping[str, StreamPosition] | None) -> None:
        """Watch the entities of a stream, and send it what it missed since ``positions``."""
        unknown = [entity for entity in subscription.entities.values() if entity.id not in self._watched]
        for key in subscription.entities.keys() & self._watched.keys():
            self._watched[key].subscriptions.add(
                subscription
            )  # so that it stays, even if other streams leave meanwhile
        versions = {entity.id: self._changefeed.version(entity.id) for entity in unknown}
        found = await read_watermarks(self._store, unknown)
        for entity in unknown:
            self._watched.setdefault(entity.id, WatchedEntity(entity, found[entity.id], versions[entity.id]))
        for key in subscription.entities:
            watched = self._watched[key]
            watched.subscriptions.add(subscription)
            subscription.positions[key] = watched.watermark.position
        subscription.positions |= positions or {}
        subscription.is_ready = True
        subscription.tell(StreamMessage("ready", {"tasks": list(subscription.entities)}))
        for key in positions or ():
            await self._catch_up(subscription, self._watched[key])

    async def _catch_up(self, subscription: Subscription, watched: WatchedEntity) -> None:
        """Send a stream what it missed.

        Of other event types than scalars that is not known, so any may have changed.
        """
        key, now = watched.entity.id, watched.watermark
        batch, deletion = subscription.positions[key]
        if deletion != now.position[1]:
            subscription.tell(reset_message(key))
        elif subscription.wants_points and batch < now.position[0]:
            missed = await points(self._store, [BatchRange(watched.entity, batch, now.position[0])])
            for message in missed.values():
                subscription.tell(message)
        subscription.positions[key] = now.position
        subscription.tell(change_message(key, now, sorted(now.marks)))

    async def _run(self) -> None:
        while self._watched:
            started = time.monotonic()
            try:
                await self._tell(await self._round())
            except EventsError as error:  # the store is away: streams get the changes when it is back
                logger.warning("%s", error)
            except Exception:
                logger.exception("watching failed")
            await asyncio.sleep(max(ROUND_SECONDS, REST * (time.monotonic() - started)))

    async def _round(self) -> list[EntityChange]:
        """Return what is new; if that fails nothing has moved, and the next round tries again."""
        versions = {key: self._changefeed.version(key) for key in self._watched}
        moved = [w for key, w in self._watched.items() if w.version != versions[key]]
        now = await read_watermarks(self._store, [watched.entity for watched in moved])
        gaps = [_gap(watched, now[watched.entity.id]) for watched in moved]
        new = await points(self._store, [gap for gap in gaps if gap])
        for watched in moved:
            watched.version = versions[watched.entity.id]
        changed = [watched for watched in moved if now[watched.entity.id] != watched.watermark]
        return [watched.moved_to(now[watched.entity.id], new.get(watched.entity.id)) for watched in changed]

    async def _tell(self, changes: Sequence[EntityChange]) -> None:
        """Send every stream what is new, some streams at once: other requests go on between them.

        A stream that begins meanwhile begins after these changes.
        """
        told = {one for change in changes for one in self._subscriptions_of(change.key) if one.is_ready}
        for audience, streams in audiences(told).items():
            positions, events = events_for(audience, changes)
            for start in range(0, len(streams), STREAMS_AT_ONCE):
                for stream in streams[start : start + STREAMS_AT_ONCE]:
                    stream.advance(positions, events)
                await asyncio.sleep(0)

    def _subscriptions_of(self, key: str) -> Iterable[Subscription]:
        watched = self._watched.get(key)
        return watched.subscriptions if watched else ()


def _gap(watched: WatchedEntity, now: EntityWatermark) -> BatchRange | None:
    """Return the batches whose points some stream wants; None if there are none."""
    before = watched.watermark.position[0]
    is_wanted = now.position[0] > before and any(one.wants_points for one in watched.subscriptions)
    return BatchRange(watched.entity, before, now.position[0]) if is_wanted else None
