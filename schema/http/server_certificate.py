"""The certificate of this process's own listeners: loaded from files, and loaded again when these change.

Connections keep what they were opened with; each new one gets the newest. Files that cannot be used change nothing.
"""

from __future__ import annotations

import logging
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from schema.errors import ConfigError
from schema.metrics import TLS_CERTIFICATE_EXPIRY
from schema.tls_files import load_certificate

LOOK_SECONDS = 2.0  # between two looks at the files; they are loaded once two looks agree
PROTOCOLS = ["http/1.1"]

Signature = tuple[tuple[int, int, int], ...]  # of each file: inode, size, time of its last change (ns)
logger = logging.getLogger("eventide.tls")


class ServerCertificate:
    """A certificate with its chain, and its key, as an SSL context. Raises ConfigError, which names the setting.

    ``cert``, ``key``: files (PEM); ``key`` may be empty if both are in one. ``settings``: the beginning of
    the settings' names. Not thread-safe: it is of the event loop.
    """

    def __init__(self, cert: str, key: str, settings: str) -> None:
        self._cert, self._key, self._settings = cert, key, settings
        self._looked = 0.0
        self._seen = self._loaded = self._signature()
        self.context, self.expires_at = self._load()
        if self.expires_at < time.time():
            logger.error("%s_CERT: the certificate has expired", settings)
        TLS_CERTIFICATE_EXPIRY.set_function(lambda: self.expires_at - time.time())

    def refresh(self, now: float) -> None:
        """Load the files again if they have changed and do not change any more. Call often; ``now``: monotonic.

        A certificate and its key are two files, which are hardly ever replaced at the same time.
        """
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        before, self._seen = self._seen, self._signature()
        if self._seen != self._loaded and self._seen == before:
            self.reload()

    def reload(self) -> None:
        """Load the files again now; what cannot be used is logged, once for each change, and the old one stays."""
        self._loaded = self._signature()
        try:
            context, expires_at = self._load()
            if expires_at < time.time():
                raise ConfigError(f"{self._settings}_CERT: the new certificate has expired")
        except ConfigError as error:
            logger.error("the certificate stays the one that is in use: %s", error)
            return
        self.context, self.expires_at = context, expires_at
        until = datetime.fromtimestamp(expires_at, UTC).isoformat(timespec="seconds")
        logger.info("a new certificate is in use, until %s", until)

    def _load(self) -> tuple[ssl.SSLContext, float]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(PROTOCOLS)
        load_certificate(context, self._cert, self._key, self._settings)
        return context, self._expiry()

    def _expiry(self) -> float:
        """Return when the first certificate of the chain expires that does so, in seconds since the epoch."""
        try:
            chain = x509.load_pem_x509_certificates(Path(self._cert).read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self._settings}_CERT: no certificate can be read from {self._cert}") from error
        return min(certificate.not_valid_after_utc.timestamp() for certificate in chain)

    def _signature(self) -> Signature:
        return tuple(_signature_of(Path(path)) for path in (self._cert, self._key) if path)


def _signature_of(path: Path) -> tuple[int, int, int]:
    """Return what tells a file from another that has taken its place; zeros if there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns
