"""KEDA's objects: what scales each tier, by which measure, and how far."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from prometheus_client import REGISTRY

from schema import metrics
from tests.chart.render import Document, Helm, Refused, Rendered, merge
from tests.chart.value_sets import SCALED, SECURED, TOKEN_ENDPOINT, TOKENS
from tests.servers.choice import give_up
from tests.servers.go_programs import module
from tests.servers.kubernetes_modules import KEDA
from tests.servers.process import Unavailable

METRIC = re.compile(r"\beventide_\w+")
FIELD = re.compile(r'`keda:"name=(\w+), *order=([\w;]+)')


def triggers(rendered: Rendered, tier: str) -> dict[str, Document]:
    """The triggers of a tier, by name; the CPU's has none."""
    found = rendered.of_kind("ScaledObject")[tier]["spec"]["triggers"]
    return {trigger.get("name", trigger["type"]): trigger for trigger in found}


def test_nothing_is_scaled_unless_asked_for(helm: Helm) -> None:
    rendered = helm.render()
    assert not rendered.of_kind("ScaledObject")
    replicas = {name: one["spec"]["replicas"] for name, one in rendered.of_kind("Deployment").items()}
    assert replicas == {"nginx": 2, "gateway": 2, "query": 2, "files": 1}


def test_who_is_scaled_has_no_number_of_its_own(helm: Helm) -> None:
    """Each upgrade would set it back."""
    rendered = helm.render(SCALED)
    scaled = rendered.of_kind("ScaledObject")
    assert scaled.keys() == {"nginx", "gateway", "worker", "query"}
    for tier, one in scaled.items():
        target = one["spec"]["scaleTargetRef"]
        workload = rendered.of_kind(target["kind"])[tier]
        assert workload["metadata"]["name"] == target["name"]
        assert "replicas" not in workload["spec"]


def test_workers_follow_lag_in_seconds_and_records(helm: Helm) -> None:
    rendered = helm.render(SCALED)
    found = triggers(rendered, "worker")
    assert found.keys() == {"lag-seconds", "lag-records", "cpu"}
    assert (
        'eventide_unapplied_seconds{namespace="ml",service="prod-eventide-gateway"}'
        in found["lag-seconds"]["metadata"]["query"]
    )
    records = found["lag-records"]["metadata"]
    assert (records["consumerGroup"], records["topic"]) == ("eventide", "events")
    assert records["consumerGroup"] == rendered.environment("worker")["EVENTIDE_KAFKA_GROUP"]
    assert records["topic"] == rendered.environment("worker")["EVENTIDE_KAFKA_TOPIC"]
    assert (records["sasl"], records["tls"]) == ("none", "disable")
    assert "authenticationRef" not in found["lag-records"]


def test_there_are_never_more_workers_than_partitions(helm: Helm) -> None:
    def most(values: Document) -> int:
        found = helm.render(SCALED, values).of_kind("ScaledObject")["worker"]["spec"]["maxReplicaCount"]
        return int(found)

    assert most({"worker": {"autoscaling": {"maxReplicas": 0}}, "kafka": {"partitions": 24}}) == 24
    assert most({}) == 8
    for values in ({"worker": {"autoscaling": {"maxReplicas": 13}}}, {"worker": {"replicas": 13}}):
        with pytest.raises(Refused, match=r"more than kafka\.partitions"):
            helm.render(SCALED, values)


@pytest.mark.parametrize("tier", ["gateway", "query"])
def test_gateways_and_queries_follow_calls_in_flight_and_cpu(helm: Helm, tier: str) -> None:
    found = triggers(helm.render(SCALED), tier)
    assert found.keys() == {"in-flight", "cpu"}
    assert found["in-flight"]["metadata"]["query"].count(f'service="prod-eventide-{tier}"') == 2
    assert found["in-flight"]["metricType"] == "AverageValue"


def test_the_metrics_that_are_asked_for_exist(helm: Helm) -> None:
    assert metrics.REQUESTS  # what is defined there is registered
    known = {metric.name for metric in REGISTRY.collect()}
    asked = set(METRIC.findall(str(helm.render(SCALED).of_kind("ScaledObject"))))
    assert asked
    assert asked <= known


def test_prometheus_finds_the_services_that_are_asked_about(helm: Helm) -> None:
    rendered = helm.render(SCALED)
    monitors = rendered.of_kind("ServiceMonitor")
    assert monitors.keys() == {"gateway", "worker", "query", "files"}
    for tier, monitor in monitors.items():
        service = rendered.of_kind("Service")[tier]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    others = [one for name, one in rendered.of_kind("Service").items() if name not in monitors]
    for service in others:
        labels = service["metadata"]["labels"].items()
        assert not any(monitor["spec"]["selector"]["matchLabels"].items() <= labels for monitor in monitors.values())


def test_keda_asks_a_secured_kafka_as_the_workers_do(helm: Helm) -> None:
    rendered = helm.render(SECURED, SCALED)
    trigger = triggers(rendered, "worker")["lag-records"]
    assert (trigger["metadata"]["sasl"], trigger["metadata"]["tls"]) == ("scram_sha512", "enable")
    (authentication,) = rendered.of_kind("TriggerAuthentication").values()
    assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
    parameters = {one["parameter"]: (one["name"], one["key"]) for one in authentication["spec"]["secretTargetRef"]}
    assert parameters == {
        "password": ("my-kafkasaslpassword", "it"),
        "username": ("prod-eventide-worker-kafka", "username"),
        "ca": ("kafka-tls", "ca.crt"),
        "cert": ("kafka-tls", "tls.crt"),
        "key": ("kafka-tls", "tls.key"),
    }
    assert rendered.of_kind("Secret")["worker-kafka"]["stringData"] == {"username": "eventide"}


def test_a_kafka_that_takes_tokens_of_pods_cannot_be_asked_by_keda(helm: Helm) -> None:
    rendered = helm.render(TOKENS, SCALED)
    assert triggers(rendered, "worker").keys() == {"lag-seconds", "cpu"}
    assert not rendered.of_kind("TriggerAuthentication")


def test_nothing_known_takes_no_pods_away(helm: Helm) -> None:
    for one in helm.render(SCALED).of_kind("ScaledObject").values():
        asked = [trigger for trigger in one["spec"]["triggers"] if trigger["type"] == "prometheus"]
        assert all(trigger["metadata"]["ignoreNullValues"] == "false" for trigger in asked)
        if asked:
            assert one["spec"]["fallback"]["behavior"] == "currentReplicasIfHigher"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"keda": {"prometheus": {"serverAddress": ""}}}, "keda.prometheus.serverAddress: set"),
        ({"files": {"autoscaling": {"enabled": True}}}, "files.replicas: more than one needs objects.store"),
        ({"files": {"replicas": 2}}, "files.replicas: more than one needs objects.store"),
        ({"worker": {"autoscaling": {"lagSeconds": -1}}}, "lagSeconds"),
        ({"query": {"autoscaling": {"lagSeconds": 1}}}, "lagSeconds"),
    ],
)
def test_scaling_that_cannot_be_is_refused(helm: Helm, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=re.escape(reason)):
        helm.render(SCALED, values)


def test_keda_knows_what_the_triggers_say(helm: Helm) -> None:
    """Its CRDs take any text in ``metadata``; what each scaler reads is in its source, as tags of fields."""
    for values in (SCALED, merge(SECURED, SCALED), merge(TOKEN_ENDPOINT, SCALED)):
        rendered = helm.render(values)
        for one in rendered.of_kind("ScaledObject").values():
            for trigger in one["spec"]["triggers"]:
                if trigger["type"] != "cpu":
                    assert trigger["metadata"].keys() <= keda_fields(trigger["type"], "triggerMetadata")
        for one in rendered.of_kind("TriggerAuthentication").values():
            given = {parameter["parameter"] for parameter in one["spec"]["secretTargetRef"]}
            assert given <= keda_fields("kafka", "authParams")


@cache
def keda_fields(scaler: str, place: str) -> set[str]:
    """What a scaler of KEDA's reads from a place: ``triggerMetadata``, ``authParams``."""
    try:
        source = (module(*KEDA) / "pkg" / "scalers" / f"{scaler}_scaler.go").read_text()
    except Unavailable as error:
        give_up(error)
    found = {name for name, places in FIELD.findall(source) if place in places}
    assert found
    return found
