"""The ClickHouse door: statements and inserts (``store``), over a server or chDB (``engines``), and what goes wrong."""

from __future__ import annotations

from schema.store.engines import EmbeddedEngine, ServerEngine
from schema.store.store import NEWER_SETTINGS, Store, rows_of

__all__ = ["NEWER_SETTINGS", "EmbeddedEngine", "ServerEngine", "Store", "rows_of"]
