"""The only access to ClickHouse: statements and inserts (``store``), a server or chDB (``engines``), and errors."""

from __future__ import annotations

from schema.store.engines import EmbeddedEngine, ServerEngine
from schema.store.store import Store, rows_of

__all__ = ["EmbeddedEngine", "ServerEngine", "Store", "rows_of"]
