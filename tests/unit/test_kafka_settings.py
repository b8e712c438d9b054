"""Settings of Kafka's security that contradict each other, or lack something, are refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy import kafka
from ingest.kafka import admin
from schema.errors import ConfigError
from schema.settings import read_settings

PLAIN = {"SASL_MECHANISM": "PLAIN", "SASL_USERNAME": "u", "SASL_PASSWORD": "hidden"}
OAUTH = {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "OAUTHBEARER"}


def brokers_with(**settings: str) -> object:
    given = {f"EVENTIDE_KAFKA_{name}": value for name, value in ({"BOOTSTRAP": "h:1"} | settings).items()}
    return kafka.brokers(read_settings(given, {}))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "SECURITY_PROTOCOL"),
        ({"CA": "/some/file"}, "SECURITY_PROTOCOL"),
        (PLAIN, "SECURITY_PROTOCOL"),
        (PLAIN | {"SECURITY_PROTOCOL": "SSL"}, "SECURITY_PROTOCOL"),
        ({"SECURITY_PROTOCOL": "SSL", "CA": "/no/such/file"}, "CA"),
        ({"SECURITY_PROTOCOL": "SSL", "KEY": "/no/such/file"}, "CERT"),
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "SASL_MECHANISM"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "GSSAPI"}, "SASL_MECHANISM"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "PLAIN"}, "SASL_USERNAME"),
        (PLAIN | {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_PASSWORD": ""}, "SASL_PASSWORD"),
        (OAUTH, "OAUTH_URL"),
        (OAUTH | {"OAUTH_URL": "http://plain/token"}, "OAUTH_URL"),
        (OAUTH | {"OAUTH_URL": "https://tls/token"}, "SASL_USERNAME"),
        (OAUTH | {"OAUTH_TOKEN_PATH": "/no/such/file"}, "OAUTH_TOKEN_PATH"),
    ],
)
def test_what_does_not_fit_is_refused(settings: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=f"EVENTIDE_KAFKA_{named}") as caught:
        brokers_with(**settings)
    assert "hidden" not in str(caught.value)


def test_a_password_is_not_printed() -> None:
    assert "hidden" not in repr(brokers_with(SECURITY_PROTOCOL="SASL_PLAINTEXT", **PLAIN))


def test_no_client_is_made_without_its_security() -> None:
    """Whoever adds one takes all of ``Brokers.options``: with the addresses alone it would speak plain text."""
    sources = {path.name: path.read_text() for path in Path(admin.__file__).parent.glob("*.py")}
    assert [name for name, text in sources.items() if "bootstrap_servers=" in text] == []
    made = [name for name, text in sources.items() if re.search(r"= AIOKafka(Consumer|Producer|AdminClient)\(", text)]
    assert len(made) >= 5
    assert [name for name in made if "brokers.options" not in sources[name]] == []
