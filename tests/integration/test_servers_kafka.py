"""Apache Kafka on this machine's Java takes and gives records. Three nodes of it: tests/faults, which harms them."""

from __future__ import annotations

import asyncio
import shutil
import stat
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.servers import kafka_jars
from tests.servers.choice import Kafka
from tests.servers.kafka import KafkaCluster
from tests.servers.process import StartFailed, Unavailable

pytest_plugins = ["tests.servers.fixtures"]


async def create(bootstrap: str, topic: str, partitions: int, replicas: int, **configs: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, partitions, replicas, topic_configs=configs)])
        assert [error[1] for error in answer.topic_errors] == [0]
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, values: list[bytes], **options: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", **options)
    async with producer:
        await asyncio.gather(*[await producer.send(topic, value) for value in values])


async def consume(bootstrap: str, topic: str, partitions: int, **options: int) -> list[bytes]:
    """Everything, up to the ends at the time of the call."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, **options)
    async with consumer:
        assigned = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(assigned)
        await consumer.seek_to_beginning(*assigned)
        ends, values = await consumer.end_offsets(assigned), []
        while any([await consumer.position(one) < ends[one] for one in assigned]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in records]
        return values


def test_records_come_back(kafka: Kafka) -> None:
    async def main() -> list[bytes]:
        await create(kafka.bootstrap, "records", 3, 1)
        await produce(kafka.bootstrap, "records", sent)
        return await consume(kafka.bootstrap, "records", 3)

    sent = [b"%d" % number for number in range(1000)]
    assert sorted(asyncio.run(main())) == sorted(sent)


def test_a_topic_may_allow_large_records(kafka: Kafka) -> None:
    async def main() -> list[bytes]:
        await create(kafka.bootstrap, "large", 1, 1, **{"max.message.bytes": str(32 << 20)})
        await produce(kafka.bootstrap, "large", sent, max_request_size=32 << 20)
        return await consume(kafka.bootstrap, "large", 1)

    sent = [bytes(24 << 20)]
    assert asyncio.run(main()) == sent


def test_a_group_gets_its_partitions_at_once(kafka: Kafka) -> None:
    async def main() -> float:
        await create(kafka.bootstrap, "grouped", 2, 1)
        await produce(kafka.bootstrap, "grouped", [b"x"])
        started = time.monotonic()
        async with AIOKafkaConsumer(
            "grouped", bootstrap_servers=kafka.bootstrap, group_id="g", auto_offset_reset="earliest"
        ) as consumer:
            await asyncio.wait_for(consumer.getone(), 10)
            await consumer.commit()
        return time.monotonic() - started

    assert asyncio.run(main()) < 5


def test_a_failed_start_shows_the_log(tmp_path: Path) -> None:
    with (
        pytest.raises(StartFailed, match=r"num\.io\.threads"),
        KafkaCluster(1, tmp_path, settings={"num.io.threads": "x"}),
    ):
        pass


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache, filled and ours to spoil."""
    directory = kafka_jars.kafka_jars()[0].parent
    monkeypatch.setenv("EVENTIDE_TEST_CACHE", str(tmp_path))
    return shutil.copytree(directory, tmp_path / directory.name)


def test_a_full_cache_needs_no_maven(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert {jar.parent for jar in kafka_jars.kafka_jars()} == {cache}
    (cache / "kafka-raft-4.1.1.jar").unlink()
    with pytest.raises(Unavailable, match=r"no Maven .* lacks 1 of its jars"):
        kafka_jars.kafka_jars()


def test_a_spoilt_jar_is_fetched_again(cache: Path) -> None:
    (cache / "kafka-raft-4.1.1.jar").write_bytes(b"spoilt")
    assert len(kafka_jars.kafka_jars()) == 46
    assert (cache / "kafka-raft-4.1.1.jar").read_bytes().startswith(b"PK")
    assert not list(cache.glob(".fetch*"))


def test_a_jar_that_is_not_the_pinned_one_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "kafka-raft-4.1.1.jar").unlink()
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text('#!/bin/sh\nfor last; do :; done\necho other > "${last#*=}/kafka-raft-4.1.1.jar"\n')
    maven.chmod(maven.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(maven.parent))
    with pytest.raises(Unavailable, match=r"kafka-raft-4\.1\.1\.jar is not the one"):
        kafka_jars.kafka_jars()
    assert not (cache / "kafka-raft-4.1.1.jar").exists()
