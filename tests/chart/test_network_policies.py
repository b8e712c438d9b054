"""Who may speak to whom, as the chart's network policies allow it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.render import Document, Helm, Refused, Rendered
from tests.chart.value_sets import EMBEDDED, VALUE_SETS

PORTS = {"nginx": {8008, 8081}, "gateway": {8008}, "query": {8008}, "files": {8081}}
SERVICES = {
    "migrate": {"kafka", "clickhouse", "registry"},
    "gateway": {"kafka", "registry", "traces"},
    "worker": {"kafka", "clickhouse", "traces"},
    "query": {"clickhouse", "registry", "oidc", "traces"},
    "files": {"registry", "objects", "traces"},
    "nginx": set(),
}


def policy(rendered: Rendered, tier: str) -> Document:
    """The policy of a tier's pods."""
    found: Document = rendered.of_kind("NetworkPolicy")[tier]["spec"]
    assert found["podSelector"]["matchLabels"].items() <= rendered.pods()[tier]["metadata"]["labels"].items()
    return found


def ports(rule: Document) -> set[int]:
    """The ports of a rule."""
    return {port["port"] for port in rule["ports"]}


def component(rule: Document, side: str) -> set[str]:
    """The tiers that a rule names."""
    peers = [peer["podSelector"]["matchLabels"] for peer in rule.get(side, ()) if "podSelector" in peer]
    return {labels["app.kubernetes.io/component"] for labels in peers}


def test_every_pod_has_a_policy_for_both_directions(helm: Helm) -> None:
    for values in VALUE_SETS.values():
        rendered = helm.render(values)
        assert rendered.of_kind("NetworkPolicy").keys() == rendered.pods().keys()
        for one in rendered.of_kind("NetworkPolicy").values():
            assert one["spec"]["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize("tier", ["gateway", "query", "files"])
def test_nginx_alone_calls_the_tiers(helm: Helm, tier: str) -> None:
    rendered = helm.render()
    calls, scrapes = policy(rendered, tier)["ingress"]
    assert (ports(calls), component(calls, "from")) == (PORTS[tier], {"nginx"})
    assert ports(scrapes) == PORTS[tier]
    assert scrapes["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    (out,) = (rule for rule in policy(rendered, "nginx")["egress"] if component(rule, "to") == {tier})
    assert ports(out) == PORTS[tier]


def test_clients_reach_nginx_alone(helm: Helm) -> None:
    rendered = helm.render()
    (open_to_all,) = policy(rendered, "nginx")["ingress"]
    assert (ports(open_to_all), "from" in open_to_all) == (PORTS["nginx"], False)
    peers = [{"ipBlock": {"cidr": "10.0.0.0/8"}}]
    (bounded,) = policy(helm.render({"networkPolicy": {"clients": peers}}), "nginx")["ingress"]
    assert bounded["from"] == peers
    assert policy(rendered, "migrate")["ingress"] == []
    assert ports(policy(rendered, "worker")["ingress"][0]) == {8008}
    assert ports(policy(helm.render(EMBEDDED, services=False), "embedded")["ingress"][0]) == PORTS["nginx"]


@pytest.mark.parametrize("tier", SERVICES)
def test_a_tier_reaches_the_services_that_it_uses(helm: Helm, tier: str) -> None:
    values = {"networkPolicy": {"services": {name: {"ports": [9000 + number]} for number, name in enumerate(ALL)}}}
    reached: set[int] = set()
    traced = {"traces": {"endpoint": "http://collector:9005/v1/traces"}}
    for rule in policy(helm.render({"kafka": {"bootstrap": "kafka:9000"}}, values, traced), tier)["egress"]:
        reached |= ports(rule)
    assert reached & set(range(9000, 9010)) == {9000 + ALL.index(name) for name in SERVICES[tier]}
    assert 53 in reached


ALL = ["kafka", "clickhouse", "registry", "objects", "oidc", "traces"]


def test_no_port_of_a_collector_is_open_where_nothing_is_traced(helm: Helm) -> None:
    for tier in SERVICES:
        assert not any(4318 in ports(rule) for rule in policy(helm.render(), tier)["egress"])


def test_services_can_be_bounded_to_addresses(helm: Helm) -> None:
    peers: list[dict[str, Any]] = [{"ipBlock": {"cidr": "10.1.2.0/24"}}]
    rendered = helm.render({"networkPolicy": {"services": {"registry": {"to": peers}}}})
    (rule,) = (rule for rule in policy(rendered, "files")["egress"] if ports(rule) == {5432})
    assert rule["to"] == peers


def test_brokers_behind_a_closed_port_are_refused(helm: Helm) -> None:
    values = {"kafka": {"bootstrap": "kafka:9092,kafka:19092"}}
    with pytest.raises(Refused, match=r"networkPolicy\.services\.kafka\.ports: lacks 19092"):
        helm.render(values)
    assert not helm.render(values, {"networkPolicy": {"enabled": False}}).of_kind("NetworkPolicy")
