"""The brokers: where they are, and how connections to them are secured."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiokafka.abc import AbstractTokenProvider

Tokens: TypeAlias = AbstractTokenProvider


@dataclass(frozen=True)
class Sasl:
    """How this process says who it is: a mechanism, with a user and a password, or with tokens (OAUTHBEARER)."""

    mechanism: str
    username: str = ""
    password: str = field(default="", repr=False)
    tokens: Tokens | None = None


@dataclass(frozen=True)
class Brokers:
    """Brokers, and the security of every connection to them.

    ``bootstrap``: ``host:port,host:port``. ``tls``: None for connections that are not encrypted. ``sasl``: None if the
    brokers ask for nobody's name, or only for the certificate in ``tls``.
    """

    bootstrap: str
    tls: ssl.SSLContext | None = None
    sasl: Sasl | None = None

    @property
    def protocol(self) -> str:
        """Kafka's name of the security protocol."""
        transport = "SSL" if self.tls else "PLAINTEXT"
        return f"SASL_{transport}" if self.sasl else transport

    @property
    def security(self) -> dict[str, Any]:
        """The options of aiokafka's clients and connections that secure them."""
        options: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.tls}
        if self.sasl:
            options |= {
                "sasl_mechanism": self.sasl.mechanism,
                "sasl_plain_username": self.sasl.username,
                "sasl_plain_password": self.sasl.password,
                "sasl_oauth_token_provider": self.sasl.tokens,
            }
        return options

    @property
    def options(self) -> dict[str, Any]:
        """The options of each of aiokafka's clients: the addresses, and those that secure it."""
        return {"bootstrap_servers": self.bootstrap} | self.security
