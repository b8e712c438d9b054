"""Blocks -> ClickHouse: events, metric index, tombstones, and what changed for the read caches."""
