"""Settings -> the brokers, and the security of every connection to them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy.components import required
from schema.errors import ConfigError
from schema.settings import PREFIX, Settings
from schema.tls_files import TlsFiles, check_is_file

if TYPE_CHECKING:  # only processes that use Kafka import its libraries
    from ingest.kafka.brokers import Brokers, Sasl, Tokens

SASL = f"{PREFIX}KAFKA_SASL"


async def let_in(settings: Settings) -> Brokers:
    """Return the brokers, once they let this process in or do not answer.

    Raises ConfigError for settings that contradict each other, and if the brokers refuse them.
    """
    from ingest.kafka.access import check_access

    found = brokers(settings)
    await check_access(found)
    return found


def brokers(settings: Settings) -> Brokers:
    """Return the brokers. Raises ConfigError for settings that are missing, or contradict each other."""
    from ingest.kafka.brokers import Brokers

    bootstrap = required(settings.kafka_bootstrap, f"{PREFIX}KAFKA_BOOTSTRAP")
    return Brokers(bootstrap, _tls(settings), _sasl(settings))


def _tls(settings: Settings) -> ssl.SSLContext | None:
    files = TlsFiles(settings.kafka_ca, settings.kafka_cert, settings.kafka_key, f"{PREFIX}KAFKA")
    if settings.kafka_security_protocol.endswith("SSL"):
        return files.client_context()
    if files:
        raise ConfigError(f"{PREFIX}KAFKA_SECURITY_PROTOCOL: files for TLS are given, but it is not SSL or SASL_SSL")
    return None


def _sasl(settings: Settings) -> Sasl | None:
    from ingest.kafka.brokers import Sasl

    mechanism, protocol = settings.kafka_sasl_mechanism, settings.kafka_security_protocol
    if not protocol.startswith("SASL"):
        if mechanism or settings.kafka_sasl_username:
            raise ConfigError(f"{PREFIX}KAFKA_SECURITY_PROTOCOL: {SASL}_* is given, but it is {protocol}")
        return None
    required(mechanism, f"{SASL}_MECHANISM")
    if mechanism == "OAUTHBEARER":
        return Sasl(mechanism, tokens=_tokens(settings))
    name = required(settings.kafka_sasl_username, f"{SASL}_USERNAME")
    return Sasl(mechanism, name, required(settings.kafka_sasl_password.get_secret_value(), f"{SASL}_PASSWORD"))


def _tokens(settings: Settings) -> Tokens:
    from ingest.kafka.oauth_tokens import ClientCredentials, FileTokens, TokenEndpoint

    if path := settings.kafka_oauth_token_path:
        check_is_file(f"{PREFIX}KAFKA_OAUTH_TOKEN_PATH", path)
        return FileTokens(Path(path))
    url = required(settings.kafka_oauth_url, f"{PREFIX}KAFKA_OAUTH_URL")
    if urlsplit(url).scheme != "https":  # the client's secret is sent there
        raise ConfigError(f"{PREFIX}KAFKA_OAUTH_URL: https://… is expected")
    name = required(settings.kafka_sasl_username, f"{SASL}_USERNAME")
    secret = required(settings.kafka_sasl_password.get_secret_value(), f"{SASL}_PASSWORD")
    context = ssl.create_default_context()
    if settings.kafka_ca:
        context.load_verify_locations(settings.kafka_ca)
    return ClientCredentials(TokenEndpoint(url, name, secret, settings.kafka_oauth_scope, context))
