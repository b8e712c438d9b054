"""The write path's endpoint table."""

from __future__ import annotations

from ingest import gateway, models, tasks
from schema.wire import Endpoints, Tier

endpoints = Endpoints(Tier.GATEWAY).merge(gateway.endpoints, models.endpoints, tasks.endpoints)
