"""Files for TLS to another service: who signs its certificate, and what this process shows of itself."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from schema.errors import ConfigError

NO_PASSPHRASE = ""  # without one OpenSSL would ask the terminal for it


@dataclass(frozen=True)
class TlsFiles:
    """Files for TLS: the authorities that sign the server's certificate, and a client's certificate and its key.

    Empty: the system's authorities, no client certificate, a key in the certificate's file. ``settings``: the beginning
    of the settings' names, which errors tell, such as ``EVENTIDE_REGISTRY``.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    settings: str = "TLS"

    def __bool__(self) -> bool:
        return bool(self.ca or self.cert or self.key)

    def check(self) -> None:
        """Raise ConfigError unless the files can be read and hold what they should."""
        if self:
            self.client_context()

    def client_context(self) -> ssl.SSLContext:
        """Return a context that verifies the server, with its name, from TLS 1.2 on. Raises ConfigError."""
        if self.key and not self.cert:
            raise ConfigError(f"{self.settings}_KEY needs {self.settings}_CERT")
        context = ssl.create_default_context(cafile=self._checked_ca())
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert:
            load_certificate(context, self.cert, self.key, self.settings)
        return context

    def _checked_ca(self) -> str | None:
        if self.ca:
            check_is_file(f"{self.settings}_CA", self.ca)
            try:
                ssl.create_default_context(cafile=self.ca)
            except (OSError, ssl.SSLError) as error:
                raise ConfigError(f"{self.settings}_CA: no certificate can be read from {self.ca}: {error}") from error
        return self.ca or None


NO_FILES = TlsFiles()


def load_certificate(context: ssl.SSLContext, cert: str, key: str, settings: str) -> None:
    """Load a certificate and its key (empty: in the same file). Raises ConfigError, which names the setting."""
    check_is_file(f"{settings}_CERT", cert)
    if key:
        check_is_file(f"{settings}_KEY", key)
    try:
        context.load_cert_chain(cert, key or None, password=NO_PASSPHRASE)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{settings}_CERT and {settings}_KEY: {_reason(error)} ({cert}, {key or cert})") from error


def check_is_file(variable: str, path: str) -> None:
    """Raise ConfigError unless a path is that of a file."""
    if "-----BEGIN" in path:  # not repeated in the message: it may be a private key
        raise ConfigError(f"{variable}: the path of a file is expected, not what is in it")
    if not Path(path).is_file():
        raise ConfigError(f"{variable}: no file that can be read: {path}")


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not the certificate's"
    if isinstance(error, ssl.SSLError):
        return f"no certificate and key can be read: {error.reason or error}"
    return str(error.strerror or error)
