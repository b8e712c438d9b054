"""The events topic as gateways know it, and how they learn of a new epoch without a restart.

Its row in the registry is a lease: a gateway reads it every REFRESH_SECONDS, and writes no more once it has not been
able to for LEASE_SECONDS. ``ensure_topics``, which changes the topic, first closes it there, for longer than any lease,
and any record under way, can last. So no gateway ever writes with an older epoch than another one has written with, and
nothing acknowledged can be behind a tombstone, or a value, of a newer epoch.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from schema.errors import ConfigError, Unavailable
from schema.metrics import TOPIC_EPOCH, TOPIC_PARTITIONS
from schema.registry import Registry

REFRESH_SECONDS = 1.0
LEASE_SECONDS = 5.0
logger = logging.getLogger("eventide.topic")


@dataclass(frozen=True)
class Topic:
    """The events topic as ``eventide migrate`` left it. ``partitions``: negative while they are being changed."""

    name: str
    epoch: int
    partitions: int

    @property
    def is_closed(self) -> bool:
        """Whether it is being changed, so that nobody may write."""
        return self.partitions <= 0


async def read_topic(name: str, registry: Registry) -> Topic:
    """Return the events topic. Raises ConfigError before the first ``eventide migrate``, and Unavailable."""
    if (known := await registry.topic(name)) is None:
        raise ConfigError(f"Topic {name} is not known: run `eventide migrate` first")
    return Topic(name, *known)


class TopicLease:
    """A follower of the registry's row. ``changed`` is called before anybody gets a topic of another epoch."""

    def __init__(self, topic: Topic, registry: Registry, changed: Callable[[], Awaitable[None]]) -> None:
        self._topic = topic
        self._registry = registry
        self._changed = changed
        self._read_at = time.monotonic()
        self._task = asyncio.create_task(self._run())
        _publish(topic)

    def get(self) -> Topic:
        """Return the topic to write to. Raises Unavailable if the lease has run out, or the topic is being changed."""
        if time.monotonic() - self._read_at > LEASE_SECONDS:
            raise Unavailable("It is not certain that the topic is still the same: the registry does not answer")
        if self._topic.is_closed:
            raise Unavailable("The topic is being changed (if that lasts, `eventide migrate` did not end)")
        return self._topic

    async def check_alive(self) -> None:
        """Raise Unavailable if the task that follows the row has ended, which is a defect."""
        if self._task.done():
            raise Unavailable("The topic is not followed any more")

    async def close(self) -> None:
        """Stop following."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            asked_at = time.monotonic()
            try:
                topic = await read_topic(self._topic.name, self._registry)
            except (Unavailable, ConfigError) as error:
                logger.warning("%s", error)
                continue
            if topic.epoch != self._topic.epoch:
                logger.warning("the topic is now %s", topic)
                await self._changed()
            _publish(topic)
            self._topic, self._read_at = topic, asked_at


def _publish(topic: Topic) -> None:
    """Have metrics tell epoch and partitions, also while these are being changed."""
    TOPIC_EPOCH.set(topic.epoch)
    TOPIC_PARTITIONS.set(abs(topic.partitions))
