"""Administration of the brokers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from ingest.kafka.brokers import Brokers
from schema.errors import Unavailable


@asynccontextmanager
async def admin(brokers: Brokers) -> AsyncIterator[AIOKafkaAdminClient]:
    """Yield an admin client; Kafka's errors become Unavailable."""
    client = AIOKafkaAdminClient(**brokers.options)
    try:
        await client.start()
        yield client
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka is not available: {error!r}") from error
    finally:
        await client.close()


def is_connection_lost(error: BaseException | None) -> bool:
    """Tell whether an error says that Kafka cannot be reached now, so that another attempt may succeed."""
    if isinstance(error, KafkaError):
        return bool(error.retriable)
    return isinstance(error, ConnectionError | TimeoutError | Unavailable)
