"""Settings -> files for TLS to each service."""

from __future__ import annotations

from schema.settings import PREFIX, Settings
from schema.tls_files import TlsFiles


def registry_files(settings: Settings) -> TlsFiles:
    """Return the files for PostgreSQL."""
    return TlsFiles(settings.registry_ca, settings.registry_cert, settings.registry_key, f"{PREFIX}REGISTRY")


def clickhouse_files(settings: Settings) -> TlsFiles:
    """Return the files for ClickHouse."""
    return TlsFiles(settings.clickhouse_ca, settings.clickhouse_cert, settings.clickhouse_key, f"{PREFIX}CLICKHOUSE")
