"""The commands ``eventide dlq list|show|replay``: what workers could not write, and trying it again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from deploy import components, kafka
from ingest.kafka.brokers import Brokers
from ingest.kafka.dlq_replay import ParkedRecord, parked_records, replay
from ingest.kafka.topic_lease import read_topic
from schema.errors import ConfigError, EventsError, RecordError, Unavailable
from schema.events.blocks import Block
from schema.settings import Settings

CONNECT_SECONDS = 15.0


async def dlq(settings: Settings, action: str, offset: int | None) -> None:
    """Run a command on the DLQ. Raises EventsError if some records cannot be replayed.

    ``offset``: of one record on the DLQ; None: all.
    """
    if action == "show" and offset is None:
        raise ConfigError("dlq show needs --offset")
    brokers = await kafka.let_in(settings)
    found = [p async for p in parked_records(brokers, settings.kafka_topic) if offset in (None, p.offset)]
    if offset is not None and not found:
        raise EventsError(f"There is no record at {offset} on the DLQ, or it has been replayed")
    if action == "replay":
        await _replay(settings, brokers, found)
    for parked in found:
        if action == "list":
            print(f"{parked.offset}  {parked.parked_at}  {parked.origin}  {parked.said('kind')}  {parked.reason}")
        if action == "show":
            print(json.dumps(_shown(parked), indent=2, ensure_ascii=False, default=repr))


async def _replay(settings: Settings, brokers: Brokers, found: list[ParkedRecord]) -> None:
    registry = components.unchecked_registry(settings)
    topic = await read_topic(settings.kafka_topic, registry)
    await registry.close()
    if topic.is_closed:
        raise Unavailable(f"Topic {topic.name} is being changed")
    producer, done = components.producer(settings, brokers), 0
    await producer.connected(CONNECT_SECONDS)
    for parked in found:
        try:
            await replay(parked, producer, topic)
            done += 1
        except RecordError as error:
            print(f"{parked.offset}  stays: {error}")
    await producer.close()
    print(f"replayed {done} of {len(found)}")
    if done < len(found):
        raise EventsError(f"{len(found) - done} records cannot be replayed by this version")


def _shown(parked: ParkedRecord) -> dict[str, Any]:
    """Return a record as text for people."""
    shown: dict[str, Any] = {"offset": parked.offset, "origin": parked.origin, "parked_at": parked.parked_at}
    shown |= {"reason": parked.reason, "headers": {name: parked.said(name) for name in parked.headers}}
    try:
        content = parked.content()
    except RecordError as error:
        return shown | {"unreadable": str(error), "value": parked.value[:4096].hex()}
    return shown | {"content": content.columns.to_pylist() if isinstance(content, Block) else asdict(content)}
