"""All dashboards. ``python -m deploy.observe`` writes their files anew."""

from __future__ import annotations

from deploy.observe.request_paths import INGEST, READS
from deploy.observe.services import CACHES, CLICKHOUSE, KAFKA
from deploy.observe.tiers import OVERVIEW, TENANTS

DASHBOARDS = (OVERVIEW, INGEST, READS, TENANTS, CACHES, KAFKA, CLICKHOUSE)
