"""The services of the read path, assembled: a context with its caches, the stream hub, the endpoints bound to both."""

from __future__ import annotations

from collections.abc import Sequence

from query.app import endpoints
from query.cache.points import MAX_CACHED_POINTS
from query.cache.read_caches import ReadCaches
from query.context import QueryContext
from query.live.stream import Streams
from query.live.stream import endpoints as stream_endpoints
from query.live.stream_hub import StreamHub, StreamLimits
from query.live.stream_quotas import StreamQuotas
from query.pagination.cursor import Cursors
from query.registry.quotas import QuotaReader
from query.registry.quotas import endpoints as quota_endpoints
from query.stored_bytes import LOOK_SECONDS, StoredBytes
from schema.api.wire import Endpoints
from schema.changefeed.changefeed import Changefeed
from schema.quotas.ledger import QuotaLedger
from schema.registry import Registry
from schema.store import Store
from schema.store.store_state import LOOK_SECONDS as STATE_SECONDS
from schema.store.store_state import StoreState


class QueryServices:
    """The services that answer reads in one process.

    ``secret``: the key of cursors, shared by all replicas. ``other_secrets``: keys whose cursors are accepted too.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        secret: str,
        changefeed: Changefeed,
        quotas: QuotaLedger,
        max_points: int = MAX_CACHED_POINTS,
        other_secrets: Sequence[str] = (),
        streams: StreamLimits | None = None,
    ) -> None:
        caches = ReadCaches(store, changefeed, max_points)
        context = QueryContext(store, registry, Cursors(secret, other_secrets), changefeed, caches)
        self._hub = StreamHub(store, changefeed, StreamQuotas(quotas), streams or StreamLimits())
        stored_bytes = StoredBytes(store, registry, quotas)
        quotas.repeat(stored_bytes.measure, LOOK_SECONDS, "stored bytes are not measured")
        quotas.repeat(StoreState(store).measure, STATE_SECONDS, "ClickHouse's disks and tables are not measured")
        self.endpoints: Endpoints = endpoints.bind(context).merge(
            stream_endpoints.bind(Streams(context, self._hub)),
            quota_endpoints.bind(QuotaReader(registry, quotas.defaults)),
        )

    async def close(self) -> None:
        """End every stream, and open no more."""
        await self._hub.close()
