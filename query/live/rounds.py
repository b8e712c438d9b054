"""What one round of the hub found new, and the events by which streams are told.

Streams that are at the same positions of the same tasks get the same events, so these are encoded once for all of them:
hundreds of streams of one dashboard took most of their time to encode one event each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from query.live.messages import StreamMessage, reset_message
from query.live.subscription import Subscription
from query.live.watermarks import EntityWatermark, StreamPosition

Positions = dict[str, StreamPosition]
Audience = tuple[tuple[tuple[str, StreamPosition], ...], bool]  # positions by task, and whether points are wanted


@dataclass(frozen=True)
class EntityChange:
    """What is new of an entity since the round before. ``points``: its new points, if there are any."""

    key: str
    before: EntityWatermark
    now: EntityWatermark
    points: StreamMessage | None = None

    def messages(self, wants_points: bool) -> Iterator[tuple[StreamPosition, StreamMessage]]:
        """Yield the messages for a stream, and the position of the entity with each.

        Only the last one moves on: a client that breaks off before it gets the points again.
        """
        if self.now.is_other_than(self.before):
            yield self.before.position, reset_message(self.key)
        if wants_points and self.points:
            yield self.before.position, self.points
        yield self.now.position, change_message(self.key, self.now, self.now.changed_since(self.before))


def change_message(key: str, watermark: EntityWatermark, event_types: Sequence[str]) -> StreamMessage:
    """Make the message that events of these types were written."""
    data = {"task": key, "types": list(event_types), "last_iteration": watermark.last_iteration}
    return StreamMessage("change", data)


def audiences(subscriptions: Iterable[Subscription]) -> dict[Audience, list[Subscription]]:
    """Return the streams in groups of those that get the same events."""
    groups: dict[Audience, list[Subscription]] = defaultdict(list)
    for one in subscriptions:
        groups[tuple(one.positions.items()), one.wants_points].append(one)
    return groups


def events_for(audience: Audience, changes: Iterable[EntityChange]) -> tuple[Positions, bytes]:
    """Return the events of changes for streams of an audience, encoded, and the positions after them."""
    positions, wants_points = dict(audience[0]), audience[1]
    events = []
    for change in changes:
        for position, message in change.messages(wants_points) if change.key in positions else ():
            positions[change.key] = position
            events.append(message.encoded(positions.values()))
    return positions, b"".join(events)
