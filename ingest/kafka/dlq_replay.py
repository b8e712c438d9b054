"""The operator's side of the DLQ: what is parked, and replays.

The topic is only ever appended to: another record, REPLAYED, says that an earlier one has been sent again.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from ingest.kafka.brokers import Brokers
from ingest.kafka.producer import Message, Producer
from ingest.kafka.topic_lease import Topic
from ingest.kafka.topic_names import dlq_topic
from schema.errors import Unavailable
from schema.events.blocks import Content, decode, partition_of

REPLAYED = "dlq_replayed"  # header: the DLQ offset of the record that was sent again
ORIGIN = ("epoch", "offset", "row")


@dataclass(frozen=True)
class ParkedRecord:
    """A record on the DLQ. ``offset``: on the DLQ, its number for the operator."""

    offset: int
    headers: Mapping[str, bytes]
    value: bytes

    def said(self, name: str) -> str:
        """Return a header as text; empty if there is none."""
        return self.headers.get(name, b"").decode(errors="replace")

    @property
    def reason(self) -> str:
        """The reason why it could not be written."""
        return self.said("dlq_reason")

    @property
    def origin(self) -> str:
        """The place that it had: topic, partition, offset, row."""
        row = f" row {self.said('dlq_row')}" if self.said("dlq_row") not in ("", "0") else ""
        return f"{self.said('dlq_topic')}-{self.said('dlq_partition')}@{self.said('dlq_offset')}{row}"

    @property
    def parked_at(self) -> str:
        """The time at which it was parked, in UTC."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(self.said("dlq_parked_at") or 0) / 1000))

    def content(self) -> Content:
        """Decode it. Raises RecordError if this version cannot read it either."""
        return decode(self.headers, self.value, 0, 0).content


async def parked_records(brokers: Brokers, events_topic: str) -> AsyncIterator[ParkedRecord]:
    """Yield the records that have not been replayed, oldest first. Raises Unavailable."""
    waiting: dict[int, ParkedRecord] = {}
    async for offset, headers, value in dlq_records(brokers, events_topic):
        if REPLAYED in headers:
            waiting.pop(int(headers[REPLAYED]), None)
        else:
            waiting[offset] = ParkedRecord(offset, headers, value)
    for parked in waiting.values():
        yield parked


async def replay(parked: ParkedRecord, producer: Producer, topic: Topic) -> None:
    """Send a record to the events topic again, and note that on the DLQ.

    It keeps its first place: it is no newer than what was written, or deleted, after it at that time. To do this twice
    changes nothing. Raises RecordError if this version cannot read it, and Unavailable.
    """
    content = parked.content()
    partition = partition_of(content.company, content.entity, topic.partitions)
    headers = {n: data for n, data in parked.headers.items() if not n.startswith("dlq_") and n != "deadline"}
    if "origin_offset" not in headers:
        first = {"epoch": headers["epoch"], "offset": parked.headers["dlq_offset"], "row": parked.headers["dlq_row"]}
        headers |= {f"origin_{name}": first[name] for name in ORIGIN}
    headers["epoch"] = str(topic.epoch).encode()
    key = f"{content.company}\0{content.entity}".encode()
    await producer.send([Message(topic.name, partition, key, parked.value, headers)])
    done = {REPLAYED: str(parked.offset).encode()}
    await producer.send([Message(dlq_topic(topic.name), 0, str(parked.offset).encode(), b"", done)])


async def dlq_records(
    brokers: Brokers, events_topic: str, start: int = 0
) -> AsyncIterator[tuple[int, dict[str, bytes], bytes]]:
    """Yield offset, headers and value of what is on the DLQ, from ``start`` to its present end. Raises Unavailable."""
    consumer = AIOKafkaConsumer(**brokers.options, enable_auto_commit=False)
    tp = TopicPartition(dlq_topic(events_topic), 0)
    try:
        await consumer.start()
        consumer.assign([tp])
        begin = (await consumer.beginning_offsets([tp]))[tp]
        consumer.seek(tp, max(start, begin))
        end = (await consumer.end_offsets([tp]))[tp]
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=1000)).get(tp, ()):
                yield record.offset, dict(record.headers), record.value or b""
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka is not available: {error!r}") from error
    finally:
        await consumer.stop()
