"""Who watches which entities, and telling them what is new: one loop for all streams of a process.

Each round asks once where all watched entities stand, and reads the new points of those that moved in one statement,
however many streams watch them; then it rests at least REST times as long as that took, so that watching never takes
more than its share of the store. The loop runs while anybody watches.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from query.rows import of_entities
from schema.changes import Changes
from schema.errors import EventsError, Unavailable
from schema.living import ENTITIES, LIVING_MANY
from schema.registry import Entity
from schema.rows import Row
from schema.store import Store
from schema.tables import SCALAR, SINGLE_VALUE_ITER
from schema.wire import to_json

ROUND_SECONDS = 0.4
REST = 3
MAX_STREAMS = 512
MAX_STREAMS_OF_USER = 64
QUEUED_NOTICES = 256
ENTITIES_AT_ONCE = 100  # whose points are read in one statement
CURVE_POINTS = 200  # of one notice
MAX_CURVES = 400  # of one notice; beyond: RESET

STANDING_SQL = f"""
SELECT task, event_type, max(latest.batch) AS batch, max(max_iter) AS newest_iter, max(received_at) AS received,
    max(timestamp) AS newest_timestamp
FROM metric_index WHERE {ENTITIES} GROUP BY task, event_type
"""
DELETIONS_SQL = f"SELECT task, max(seq) AS newest FROM tombstones WHERE {ENTITIES} GROUP BY task"
NEW = f"""
PREWHERE {ENTITIES} AND seq >= {{since:UInt64}} AND seq < {{until:UInt64}}
    AND seq >= transform(task, {{tasks:Array(String)}}, {{sinces:Array(UInt64)}}, {{until:UInt64}})
    AND seq < transform(task, {{tasks:Array(String)}}, {{untils:Array(UInt64)}}, {{since:UInt64}})
WHERE {LIVING_MANY} AND has_iter AND iter > {SINGLE_VALUE_ITER}
"""
CURVES = f"GROUP BY task, metric, variant ORDER BY task, metric, variant LIMIT {MAX_CURVES + 1} BY task"
POINTS_SQL = f"""
SELECT task, metric, variant, countIf(value IS NULL) AS removed,
    arraySort(groupArrayIf({CURVE_POINTS + 1})((iter, timestamp, assumeNotNull(value)), value IS NOT NULL)) AS points
FROM scalars FINAL {NEW} {CURVES}
"""
BUCKETS_SQL = f"""
SELECT task, metric, variant, 0 AS removed, arraySort(groupArray((x, t, mean, low, high))) AS points FROM
(
    SELECT task, metric, variant, min(iter) AS x, min(timestamp) AS t, avg(value) AS mean, min(value) AS low,
        max(value) AS high
    FROM
    (
        SELECT task, metric, variant, iter, timestamp, assumeNotNull(value) AS value,
            min(iter) OVER curve AS first, max(iter) OVER curve AS last
        FROM scalars FINAL {NEW} AND value IS NOT NULL
        WINDOW curve AS (PARTITION BY task, metric, variant)
    )
    GROUP BY task, metric, variant, intDiv(iter - first, greatest(1, intDiv(last - first, {CURVE_POINTS}) + 1))
) {CURVES}
"""
POINT = ("x", "t", "y", "y_min", "y_max")

logger = logging.getLogger("eventide.watching")


Position = tuple[int, int]  # newest batch of scalars, newest deletion


@dataclass(frozen=True)
class Notice:
    """What a stream tells: ``ready``, new ``points``, a ``change``, or to ask for everything again: ``reset``."""

    name: str
    data: Mapping[str, Any]

    @cached_property
    def json(self) -> bytes:
        """The data, written once for all streams that tell it."""
        return to_json(self.data)


@dataclass(frozen=True)
class Standing:
    """Where an entity stands. ``marks``: of each event type, the same while nothing of it is written."""

    position: Position = (0, 0)
    last_iteration: int = 0
    marks: Mapping[str, Any] = field(default_factory=dict)

    def changed_since(self, earlier: Standing) -> list[str]:
        """The event types that were written."""
        return sorted(name for name, mark in self.marks.items() if mark != earlier.marks.get(name))

    def is_other_than(self, earlier: Standing) -> bool:
        """Whether there is more to it than new points: a deletion, or scalars without a value or of an older batch."""
        (batch, deletion), (earlier_batch, earlier_deletion) = self.position, earlier.position
        return deletion != earlier_deletion or (batch == earlier_batch and SCALAR in self.changed_since(earlier))


@dataclass(frozen=True)
class Gap:
    """The batches of an entity after one, through another."""

    entity: Entity
    after: int
    through: int


Told = tuple[list[Position], Notice]


class Subscription:
    """One stream. ``positions``: up to where it was told of each entity."""

    def __init__(self, user: str, entities: Sequence[Entity], wants_points: bool) -> None:
        self.user = user
        self.entities = {entity.id: entity for entity in entities}
        self.wants_points = wants_points
        self.positions: dict[str, Position] = dict.fromkeys(self.entities, (0, 0))
        self.is_ready = False
        self.is_closed = False
        self._told: asyncio.Queue[Told] = asyncio.Queue(QUEUED_NOTICES)

    def tell(self, notice: Notice) -> None:
        """Put a notice in the queue; a reader that is too slow gets a reset in place of all that waits."""
        if not self.is_ready:
            return
        if self._told.full():
            self._clear()
            notice = Notice("reset", {"tasks": list(self.entities)})
        self._told.put_nowait((list(self.positions.values()), notice))

    def close(self) -> None:
        """Nothing more will be told."""
        self.is_closed = True
        self._clear()
        self._told.put_nowait(([], Notice("end", {})))

    async def next(self, seconds: float) -> Told | None:
        """The next notice, and the positions after it; None if none came for so long."""
        try:
            return await asyncio.wait_for(self._told.get(), seconds)
        except TimeoutError:
            return None

    def _clear(self) -> None:
        while not self._told.empty():
            self._told.get_nowait()


@dataclass
class Watched:
    """An entity that somebody watches; ``count``: of its changes, when it stood so."""

    entity: Entity
    standing: Standing
    count: int
    subscriptions: set[Subscription] = field(default_factory=set)


class Watching:
    """All streams of a process. ``changes``: of a process that is the only one to write."""

    def __init__(self, store: Store, changes: Changes | None = None) -> None:
        self._store = store
        self._changes = changes
        self._subscriptions: set[Subscription] = set()
        self._watched: dict[str, Watched] = {}
        self._loop: asyncio.Task[None] | None = None
        self._is_closed = False

    async def subscribe(
        self, user: str, entities: Sequence[Entity], wants_points: bool, positions: Mapping[str, Position] | None
    ) -> Subscription:
        """A stream of what is new from now on, or from a position. Raises Unavailable if there are too many."""
        self._check_room(user)
        subscription = Subscription(user, entities, wants_points)
        self._subscriptions.add(subscription)
        try:
            await self._join(subscription, positions)
        except BaseException:
            self.unsubscribe(subscription)
            raise
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Its stream has ended."""
        self._subscriptions.discard(subscription)
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

    def _check_room(self, user: str) -> None:
        own = sum(subscription.user == user for subscription in self._subscriptions)
        if self._is_closed or len(self._subscriptions) >= MAX_STREAMS or own >= MAX_STREAMS_OF_USER:
            raise Unavailable("Too many streams" if not self._is_closed else "The process is ending")

    async def _join(self, subscription: Subscription, positions: Mapping[str, Position] | None) -> None:
        """Watch its entities, and tell it what it missed since ``positions``."""
        unknown = [entity for entity in subscription.entities.values() if entity.id not in self._watched]
        for key in subscription.entities.keys() & self._watched.keys():
            self._watched[key].subscriptions.add(subscription)  # so that it stays, whoever leaves meanwhile
        counts = {entity.id: self._count(entity.id) for entity in unknown}
        standings = await self._standings(unknown)
        for entity in unknown:
            self._watched.setdefault(entity.id, Watched(entity, standings[entity.id], counts[entity.id]))
        for key in subscription.entities:
            watched = self._watched[key]
            watched.subscriptions.add(subscription)
            subscription.positions[key] = watched.standing.position
        subscription.positions |= positions or {}
        subscription.is_ready = True
        subscription.tell(Notice("ready", {"tasks": list(subscription.entities)}))
        for key in positions or ():
            await self._catch_up(subscription, self._watched[key])

    async def _catch_up(self, subscription: Subscription, watched: Watched) -> None:
        """What it missed; of other event types than scalars that is not known, so any may have changed."""
        key, now = watched.entity.id, watched.standing
        batch, deletion = subscription.positions[key]
        if deletion != now.position[1]:
            subscription.tell(_reset(watched.entity))
        elif subscription.wants_points and batch < now.position[0]:
            points = await self._points([Gap(watched.entity, batch, now.position[0])])
            _tell_all([subscription], points.get(key))
        subscription.positions[key] = now.position
        subscription.tell(_change(watched.entity, now, sorted(now.marks)))

    async def _run(self) -> None:
        while self._watched:
            started = time.monotonic()
            try:
                await self._round()
            except EventsError as error:  # the store is away: who watches hears of it when it is back
                logger.warning("%s", error)
            except Exception:
                logger.exception("watching failed")
            await asyncio.sleep(max(ROUND_SECONDS, REST * (time.monotonic() - started)))

    async def _round(self) -> None:
        """Tell every stream what is new; if that fails nothing was told, and the next round tries again."""
        counts = {key: self._count(key) for key in self._watched}
        moved = [w for key, w in self._watched.items() if self._changes is None or w.count != counts[key]]
        standings = await self._standings([watched.entity for watched in moved])
        gaps = [_gap(watched, standings[watched.entity.id]) for watched in moved]
        points = await self._points([gap for gap in gaps if gap])
        for watched in moved:
            key = watched.entity.id
            watched.count = counts[key]
            if standings[key] != watched.standing:
                _tell(watched, standings[key], points.get(key))

    async def _points(self, gaps: Sequence[Gap]) -> dict[str, Notice]:
        """The points in the gaps, by entity, where there are any."""
        notices: dict[str, Notice] = {}
        for start in range(0, len(gaps), ENTITIES_AT_ONCE):
            some = gaps[start : start + ENTITIES_AT_ONCE]
            by_task: dict[str, list[Row]] = {}
            for row in await self._new_points(some):
                by_task.setdefault(row["task"], []).append(row)
            notices |= {g.entity.id: _news(g.entity, by_task[g.entity.id]) for g in some if g.entity.id in by_task}
        return notices

    async def _new_points(self, gaps: Sequence[Gap]) -> list[Row]:
        """Of few points all, which costs a third; where there are more, they are read again as few with their range."""
        rows = await self._store.read(POINTS_SQL, _bounds(gaps))
        crowded = {row["task"] for row in rows if _is_crowded(row["points"])}
        if not crowded:
            return rows
        buckets = await self._store.read(BUCKETS_SQL, _bounds([gap for gap in gaps if gap.entity.id in crowded]))
        return [row for row in rows if row["task"] not in crowded or row["removed"]] + buckets

    async def _standings(self, entities: Sequence[Entity]) -> dict[str, Standing]:
        if not entities:
            return {}
        parameters = of_entities(entities)
        rows, deletions = await asyncio.gather(
            self._store.read(STANDING_SQL, parameters), self._store.read(DELETIONS_SQL, parameters)
        )
        deleted = {row["task"]: row["newest"] for row in deletions}
        by_task: dict[str, list[Row]] = {}
        for row in rows:
            by_task.setdefault(row["task"], []).append(row)
        return {e.id: _standing(by_task.get(e.id, ()), deleted.get(e.id, 0)) for e in entities}

    def _count(self, key: str) -> int:
        return self._changes.of(key) if self._changes else 0


def _standing(rows: Iterable[Row], deletion: int) -> Standing:
    found = list(rows)
    marks = {row.pop("event_type"): row for row in found}
    batch = int(marks[SCALAR]["batch"]) if SCALAR in marks else 0
    return Standing((batch, int(deletion)), max((row["newest_iter"] for row in found), default=0), marks)


def _gap(watched: Watched, now: Standing) -> Gap | None:
    """What somebody wants to be told the points of."""
    before = watched.standing.position[0]
    is_wanted = now.position[0] > before and any(one.wants_points for one in watched.subscriptions)
    return Gap(watched.entity, before, now.position[0]) if is_wanted else None


def _bounds(gaps: Sequence[Gap]) -> dict[str, Any]:
    """The parameters of POINTS_SQL."""
    sinces, untils = [(gap.after + 1) << 16 for gap in gaps], [(gap.through + 1) << 16 for gap in gaps]
    bounds = {"sinces": sinces, "untils": untils, "since": min(sinces), "until": max(untils)}
    return of_entities(gap.entity for gap in gaps) | bounds


def _tell(watched: Watched, now: Standing, points: Notice | None) -> None:
    before, watched.standing = watched.standing, now
    if now.is_other_than(before):
        _tell_all(watched.subscriptions, _reset(watched.entity))
    _tell_all((subscription for subscription in watched.subscriptions if subscription.wants_points), points)
    for subscription in watched.subscriptions:
        subscription.positions[watched.entity.id] = now.position
    _tell_all(watched.subscriptions, _change(watched.entity, now, now.changed_since(before)))


def _news(entity: Entity, rows: Sequence[Row]) -> Notice:
    """A reset where points lost their value, as only points are told."""
    if len(rows) > MAX_CURVES or any(row["removed"] for row in rows):
        return _reset(entity)
    return Notice("points", {"task": entity.id, "metrics": _metrics(rows)})


def _reset(entity: Entity) -> Notice:
    return Notice("reset", {"tasks": [entity.id]})


def _change(entity: Entity, standing: Standing, types: list[str]) -> Notice:
    return Notice("change", {"task": entity.id, "types": types, "last_iteration": standing.last_iteration})


def _is_crowded(points: Sequence[Sequence[Any]]) -> bool:
    """Whether some of the points are to become one."""
    return len(points) > CURVE_POINTS or len({point[0] for point in points}) < len(points)


def _metrics(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    metrics: dict[str, dict[str, Any]] = {}
    for row in rows:
        columns = list(map(list, zip(*row["points"], strict=True)))
        columns += columns[2:] * (len(POINT) - len(columns))  # of a point by itself all three values are one
        metrics.setdefault(row["metric"], {})[row["variant"]] = dict(zip(POINT, columns, strict=True))
    return metrics


def _tell_all(subscriptions: Iterable[Subscription], notice: Notice | None) -> None:
    for subscription in list(subscriptions) if notice else ():
        assert notice
        subscription.tell(notice)
