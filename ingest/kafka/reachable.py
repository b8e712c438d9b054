"""Whether any broker accepts connections: what a process that has nothing to send would notice late, or never."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import collect_hosts

from ingest.kafka.brokers import Brokers
from schema.errors import Unavailable

CONNECT_SECONDS = 1.0


async def check_reachable(brokers: Brokers, client: AIOKafkaClient) -> None:
    """Connect to each broker that is known, at once, until one accepts. Raises Unavailable if none does in a second."""
    known = {(broker.host, broker.port) for broker in client.cluster.brokers()}
    known |= {(host, port) for host, port, _ in collect_hosts(brokers.bootstrap)}
    attempts = [asyncio.create_task(_accepts(host, port, brokers.tls)) for host, port in known]
    try:
        for attempt in asyncio.as_completed(attempts):
            if await attempt:
                return
    finally:
        for attempt in attempts:
            attempt.cancel()
    raise Unavailable("No Kafka broker accepts connections")


async def _accepts(host: str, port: int, tls: ssl.SSLContext | None) -> bool:
    """Connect, with TLS where that is spoken: a broker logs a failure for who leaves before the handshake."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=tls)
            writer.close()
            return True
    return False
