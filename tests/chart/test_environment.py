"""What each tier of the chart is told is what docker-compose.yml tells it, and what people set on top."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from deploy.commands import COMMANDS
from schema.settings import PREFIX, Settings, read_settings
from tests.chart.render import CHART, Helm, Rendered
from tests.chart.value_sets import EMBEDDED, OWN, PUBLIC, SECURED, TOKENS, VALUE_SETS

SERVICES = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())["services"]
TIERS = ("migrate", "gateway", "worker", "query", "files")
# What the chart says beyond compose, which leaves it to defaults.
BEYOND = {
    "DRAIN_SECONDS",
    "KAFKA_TOPIC",
    "KAFKA_GROUP",
    "KAFKA_PARTITIONS",
    "KAFKA_REPLICATION",
    "KAFKA_SECURITY_PROTOCOL",
    "COMPANY",
}
LEFT_OUT = {"WEB_SECRET_KEY"}  # that are empty in compose, too, unless somebody sets them


def settings_of(rendered: Rendered, tier: str) -> dict[str, str]:
    """A tier's settings, those in files as if they stood in the variable itself."""
    return {
        name.removeprefix(PREFIX).removesuffix("_FILE"): value for name, value in rendered.environment(tier).items()
    }


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_has_the_settings_that_compose_gives_it(helm: Helm, tier: str) -> None:
    given = settings_of(helm.render(), tier)
    composed = {name.removeprefix(PREFIX): str(value) for name, value in SERVICES[tier]["environment"].items()}
    assert composed.keys() - given.keys() <= LEFT_OUT
    assert given.keys() - composed.keys() <= BEYOND
    same = {"WORKER_ID", "FILES_STORE"} & composed.keys()
    assert {name: given[name] for name in same} == {name: composed[name] for name in same}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("values", VALUE_SETS)
def test_a_tier_has_only_settings_that_its_command_uses(helm: Helm, tier: str, values: str) -> None:
    rendered = helm.render(VALUE_SETS[values])
    if tier in rendered.pods():
        used = {name.upper() for name in COMMANDS[tier].settings | {"log_level", "max_inflight_bytes"}}
        assert settings_of(rendered, tier).keys() - used <= {"COMPANY"}


@pytest.mark.parametrize("values", [name for name in VALUE_SETS if name != "own"])
def test_every_tier_can_read_its_settings(helm: Helm, values: str) -> None:
    rendered = helm.render(VALUE_SETS[values])
    for tier in rendered.pods().keys() - {"nginx"}:
        plain = {name: value for name, value in rendered.environment(tier).items() if not name.endswith("_FILE")}
        assert read_settings(plain, {})


def test_settings_that_compose_has_no_value_for_are_the_defaults(helm: Helm) -> None:
    rendered = helm.render()
    for tier, name in (("gateway", "DRAIN_SECONDS"), ("gateway", "KAFKA_TOPIC"), ("worker", "KAFKA_GROUP")):
        default = Settings.model_fields[name.lower()].default
        assert type(default)(settings_of(rendered, tier)[name]) == default
    assert int(settings_of(rendered, "migrate")["KAFKA_PARTITIONS"]) == Settings().kafka_partitions
    assert settings_of(rendered, "migrate")["COMPANY"] == Settings().company
    assert settings_of(rendered, "migrate")["KAFKA_REPLICATION"] == "3"


def test_settings_of_people_come_last_and_large_numbers_stay_whole(helm: Helm) -> None:
    pods = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod["spec"]["containers"][0]
        for pod in helm.render(OWN).pods().values()
    }
    environments = {
        tier: {e["name"]: e["value"] for e in container["env"]} for tier, container in pods.items() if tier != "nginx"
    }
    assert environments["gateway"]["EVENTIDE_LOG_LEVEL"] == "warning"
    assert environments["gateway"]["EVENTIDE_VALIDATE_PLOTS"] == "true"
    assert environments["query"]["EVENTIDE_LOG_LEVEL"] == "debug"
    assert environments["query"]["EVENTIDE_MAX_INFLIGHT_BYTES"] == "134217728"


def test_tiers_trust_nginx_by_name_and_know_their_own(helm: Helm) -> None:
    rendered = helm.render(PUBLIC)
    for tier in ("gateway", "query", "files"):
        found = settings_of(rendered, tier)
        name, *networks = found["TRUSTED_PROXIES"].split(",")
        assert networks == ["10.0.0.0/8"]
        service = rendered.of_kind("Service")[name.removeprefix("prod-eventide-")]["spec"]
        assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
        assert service["selector"].items() <= rendered.pods()["nginx"]["metadata"]["labels"].items()
        assert found["ALLOWED_HOSTS"] == "eventide.example.com,files.example.com,other.example.com"
        assert found["ALLOWED_ORIGINS"] == "https://web.example.com"
    assert settings_of(helm.render(EMBEDDED, PUBLIC), "embedded")["TRUSTED_PROXIES"] == "10.0.0.0/8"


def test_kafka_is_spoken_to_as_it_asks(helm: Helm) -> None:
    secured = helm.render(SECURED)
    for tier in ("migrate", "gateway", "worker"):
        found = settings_of(secured, tier)
        assert (found["KAFKA_SECURITY_PROTOCOL"], found["KAFKA_SASL_MECHANISM"]) == ("SASL_SSL", "SCRAM-SHA-512")
        assert found["KAFKA_SASL_USERNAME"] == "eventide"
        assert {"KAFKA_CA", "KAFKA_CERT", "KAFKA_KEY", "KAFKA_SASL_PASSWORD"} <= found.keys()
    tokens = helm.render(TOKENS)
    for tier in ("migrate", "gateway", "worker"):
        (volume,) = (one for one in tokens.pods()[tier]["spec"]["volumes"] if one["name"] == "secrets")
        projected = [s["serviceAccountToken"] for s in volume["projected"]["sources"] if "serviceAccountToken" in s]
        assert projected == [{"audience": "kafka", "expirationSeconds": 3600, "path": "kafka-token"}]
        assert settings_of(tokens, tier)["KAFKA_OAUTH_TOKEN_PATH"].endswith("/kafka-token")
    assert settings_of(helm.render(), "worker")["KAFKA_SECURITY_PROTOCOL"] == "PLAINTEXT"


def test_every_setting_can_be_given(helm: Helm) -> None:
    """By a value of its own, by a secret, or below ``settings``; new ones go into the chart's schema."""
    schema = (CHART / "values.schema.json").read_text()
    free = set(re.findall(r'"EVENTIDE_(\w+)"', schema))
    given = set()
    for values in VALUE_SETS.values():
        rendered = helm.render(values)
        for tier in rendered.pods().keys() - {"nginx", ""}:
            given |= set(settings_of(rendered, tier))
    of_the_image = {"PORT", "FILES_PORT", "WEB_DIR"}
    known = {name.upper() for name in Settings.model_fields}
    assert free <= known
    assert known - free - given - of_the_image == set()
    assert free & of_the_image == set()
