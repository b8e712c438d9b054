"""A real Kafka that lets nobody in without a name: listeners for SASL over TLS, for client certificates, and others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.servers.kafka import KafkaCluster
from tests.servers.process import free_port
from tests.servers.tls import make_certificate

USER, PASSWORD = "eventide-user", "its-hidden-password"
MODULES = "org.apache.kafka.common.security"
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
MECHANISMS = ("PLAIN", *SCRAM, "OAUTHBEARER")
JAAS = {
    "plain": f'{MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
    "scram-sha-256": f"{MODULES}.scram.ScramLoginModule required;",
    "scram-sha-512": f"{MODULES}.scram.ScramLoginModule required;",
    "oauthbearer": f"{MODULES}.oauthbearer.OAuthBearerLoginModule required;",
}


class SecureKafka(KafkaCluster):
    """One node with three more listeners, each on a port of its own.

    ``sasl_ssl`` takes every mechanism of MECHANISMS (tokens of OAUTHBEARER are unsigned JWTs), ``ssl`` only clients
    whose certificate is ``client/cert.pem``, ``sasl_plaintext`` SCRAM without TLS. In ``certificates``: ``server``,
    ``client`` and ``other``, each with ``cert.pem``, which verifies it, and ``key.pem``.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(1, directory)
        self.certificates = directory / "certificates"
        self._secure = {name: free_port() for name in ("SASL_SSL", "SSL", "SASL_PLAINTEXT")}

    def at(self, protocol: str) -> str:
        """host:port of a listener."""
        return f"127.0.0.1:{self._secure[protocol]}"

    def file(self, name: str) -> str:
        """The path of a certificate or a key, such as ``server/cert.pem``."""
        return str(self.certificates / name)

    def _format_options(self) -> list[str]:
        users = [f"{mechanism}=[name={USER},password={PASSWORD}]" for mechanism in SCRAM]
        return [option for user in users for option in ("--add-scram", user)]

    def _node_settings(self, node: int) -> Mapping[str, str]:
        settings = super()._node_settings(node)
        own = [f"{name}://127.0.0.1:{port}" for name, port in self._secure.items()]
        protocols = [f"{name}:{name}" for name in self._secure]
        return {
            **settings,
            "listeners": ",".join([settings["listeners"], *own]),
            "advertised.listeners": ",".join([settings["advertised.listeners"], *own]),
            "listener.security.protocol.map": ",".join([settings["listener.security.protocol.map"], *protocols]),
            **self._tls_settings(),
            **_sasl_settings(),
        }

    def _tls_settings(self) -> dict[str, str]:
        for name in ("server", "client", "other"):
            make_certificate(self.certificates / name)
        both = self.certificates / "keystore.pem"
        files = (self.certificates / "server" / name for name in ("key.pem", "cert.pem"))
        both.write_text("".join(file.read_text() for file in files))
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.file("client/cert.pem"),
            "listener.name.ssl.ssl.client.auth": "required",
        }


def _sasl_settings() -> dict[str, str]:
    settings = {
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "listener.name.sasl_plaintext.sasl.enabled.mechanisms": ",".join(SCRAM),
    }
    for mechanism, module in JAAS.items():
        settings[f"listener.name.sasl_ssl.{mechanism}.sasl.jaas.config"] = module
        if mechanism.startswith("scram"):
            settings[f"listener.name.sasl_plaintext.{mechanism}.sasl.jaas.config"] = module
    return settings
