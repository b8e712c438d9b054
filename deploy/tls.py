"""Settings -> files for TLS to each service, and the certificate of this process's own listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema.settings import PREFIX, Settings
from schema.tls_files import TlsFiles

if TYPE_CHECKING:  # few processes show a certificate of their own, and its libraries take time to import
    from schema.http.server_certificate import ServerCertificate


def server_certificate(settings: Settings) -> ServerCertificate | None:
    """Return the certificate of the listeners; None if they speak no TLS. Raises ConfigError."""
    files = own_files(settings)
    files.check()
    if not files.cert:
        return None
    from schema.http.server_certificate import ServerCertificate

    return ServerCertificate(files.cert, files.key, files.settings)


def own_files(settings: Settings) -> TlsFiles:
    """Return the files of the listeners' own certificate."""
    return TlsFiles("", settings.tls_cert, settings.tls_key, f"{PREFIX}TLS")


def registry_files(settings: Settings) -> TlsFiles:
    """Return the files for PostgreSQL."""
    return TlsFiles(settings.registry_ca, settings.registry_cert, settings.registry_key, f"{PREFIX}REGISTRY")


def files_store_files(settings: Settings) -> TlsFiles:
    """Return the files for the object store of files."""
    return TlsFiles(settings.files_ca, settings=f"{PREFIX}FILES")


def clickhouse_files(settings: Settings) -> TlsFiles:
    """Return the files for ClickHouse."""
    return TlsFiles(settings.clickhouse_ca, settings.clickhouse_cert, settings.clickhouse_key, f"{PREFIX}CLICKHOUSE")
