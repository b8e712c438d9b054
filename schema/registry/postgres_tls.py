"""TLS to PostgreSQL: libpq's parameters, with verification as the default where TLS is asked for."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import sqlalchemy as sa

from schema.errors import ConfigError
from schema.tls_files import TlsFiles

VERIFIED = ("verify-ca", "verify-full")
UNENCRYPTED = ("disable", "allow", "prefer")  # the last two: if the server, or who is in between, wants it so
LIBPQ_ROOT = Path(".postgresql/root.crt")  # in the home directory
# The OpenSSL in psycopg's wheel has a directory of its own, which is empty, as the system's.
SYSTEM_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
logger = logging.getLogger("eventide.registry")


def with_tls(url: sa.URL, files: TlsFiles) -> sa.URL:
    """Return the URL of a PostgreSQL with libpq's parameters for TLS. Raises ConfigError for what contradicts itself.

    The URL's own parameters are kept, with libpq's meanings. Where there are files but no ``sslmode``, it is
    ``verify-full``; and authorities that are not named are the system's.
    """
    mode = _parameter(url, "sslmode")
    if files and mode in UNENCRYPTED:
        raise ConfigError(f"EVENTIDE_REGISTRY_URL: sslmode={mode} verifies nothing, but {files.settings}_* is set")
    files.check()
    url = _with(url, sslrootcert=files.ca, sslcert=files.cert, sslkey=files.key or files.cert)
    if files:
        url = _with(url, sslmode="verify-full")
    if _parameter(url, "sslmode") in VERIFIED and not (Path.home() / LIBPQ_ROOT).is_file():
        url = _with(url, sslrootcert=_system_authorities())
    if mode == "require" and not _parameter(url, "sslrootcert"):
        logger.warning("EVENTIDE_REGISTRY_URL: sslmode=require verifies no certificate: verify-full does")
    return url


def _parameter(url: sa.URL, name: str) -> str:
    value = url.query.get(name, "")
    return value if isinstance(value, str) else value[-1]


def _with(url: sa.URL, **parameters: str) -> sa.URL:
    """Return a URL with the parameters that it has not, and that are not empty."""
    return url.update_query_dict({name: value for name, value in parameters.items() if value and name not in url.query})


def _system_authorities() -> str:
    """Return the file of the system's authorities; ``system``, libpq's word, if it is none of the usual ones."""
    known = (ssl.get_default_verify_paths().cafile or "", *SYSTEM_AUTHORITIES)
    return next((path for path in known if Path(path).is_file()), "system")
