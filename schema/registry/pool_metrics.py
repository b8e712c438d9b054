"""The metrics of the connections to the registry's database."""

from __future__ import annotations

import sqlalchemy as sa

from schema.metrics import REGISTRY_CONNECTION_LIMIT, REGISTRY_CONNECTIONS


def measure_pool(engine: sa.Engine) -> None:
    """Have metrics tell how many connections an engine has open; nothing of a pool that does not count them."""
    pool = engine.pool
    if isinstance(pool, sa.QueuePool):
        REGISTRY_CONNECTIONS.follow(pool, lambda one: one.checkedout(), "used")
        REGISTRY_CONNECTIONS.follow(pool, lambda one: one.checkedin(), "idle")
        REGISTRY_CONNECTION_LIMIT.follow(pool, lambda one: one.size() + one._max_overflow)
