"""The calls of all tiers, for the description that each of them serves."""

from __future__ import annotations

from ingest.app import endpoints as write_endpoints
from query.app import endpoints as read_endpoints
from schema.login import endpoints as login_endpoints
from schema.wire import Endpoints, Tier

all_calls = Endpoints(Tier.BOTH).merge(write_endpoints, read_endpoints, login_endpoints)
