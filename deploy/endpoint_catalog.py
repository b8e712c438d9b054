"""The endpoints of all tiers, for the description that each tier serves."""

from __future__ import annotations

from collections.abc import Collection

from schema.api.wire import Endpoints, Tier


def all_endpoints(without: Collection[str] = ()) -> Endpoints:
    """Import the modules of all tiers, which a process needs for nothing else, and return their endpoints.

    ``without``: services that are not served.
    """
    from ingest.app import endpoints as write_endpoints
    from query.app import endpoints as read_endpoints
    from query.live.stream import endpoints as stream_endpoints
    from query.registry.quotas import endpoints as quota_endpoints
    from schema.http.login import endpoints as login_endpoints

    reads = (read_endpoints, stream_endpoints, quota_endpoints)
    return Endpoints(Tier.BOTH).merge(write_endpoints, *reads, login_endpoints).without(without)
