"""One source of routes: the chart's nginx has ``deploy/nginx.conf``, with a cluster's names in place of Docker's."""

from __future__ import annotations

import difflib
import tarfile
from pathlib import Path

import pytest

from tests.chart.render import CHART, NAMESPACE, ROOT, Helm
from tests.chart.value_sets import EMBEDDED, PUBLIC, SECURED

SOURCE = ROOT / "deploy" / "nginx.conf"
HOST = "prod-eventide-{}.ml.svc.cluster.local:{}"


def configuration(helm: Helm, **values: object) -> str:
    """The nginx.conf that pods get."""
    text: str = helm.render(dict(values)).of_kind("ConfigMap")["nginx"]["data"]["nginx.conf"]
    return text


def changed_lines(text: str) -> dict[str, list[str]]:
    """The lines that differ from the source: what went ("-"), and what came ("+")."""
    lines = [line for line in difflib.ndiff(SOURCE.read_text().splitlines(), text.splitlines()) if line[0] in "+-"]
    return {sign: [line[2:].strip() for line in lines if line[0] == sign] for sign in "-+"}


def test_nothing_but_addresses_differs_from_compose(helm: Helm) -> None:
    assert NAMESPACE == "ml"
    assert changed_lines(configuration(helm)) == {
        "-": [
            "gateway gateway:8008;",
            "query query:8008;",
            "default files:8081;",
            "resolver 127.0.0.11 valid=2s ipv6=off;",
        ],
        "+": [
            f"gateway {HOST.format('gateway', 8008)};",
            f"query {HOST.format('query', 8008)};",
            f"default {HOST.format('files', 8081)};",
            "include /run/resolver.conf;",
        ],
    }


def test_with_a_certificate_both_ports_speak_https(helm: Helm) -> None:
    came = changed_lines(configuration(helm, **SECURED))["+"]
    assert [line for line in came if "listen" in line] == [
        "listen 8008 ssl backlog=1024;",
        "listen 8081 ssl backlog=1024;",
    ]
    assert came.count("ssl_certificate /run/tls/tls.crt;") == came.count("ssl_certificate_key /run/tls/tls.key;") == 2
    rendered = helm.render(SECURED)
    assert rendered.container("nginx")["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    assert {"name": "tls", "mountPath": "/run/tls", "readOnly": True} in rendered.container("nginx")["volumeMounts"]


def test_the_addresses_are_services_that_exist(helm: Helm) -> None:
    rendered = helm.render()
    for tier, port in (("gateway", 8008), ("query", 8008), ("files", 8081)):
        service = rendered.of_kind("Service")[tier]["spec"]
        assert (service["clusterIP"], service["ports"][0]["port"]) == ("None", port)
        assert service["selector"].items() <= rendered.pods()[tier]["metadata"]["labels"].items()
        assert rendered.container(tier)["ports"][0]["containerPort"] == port


def test_a_package_of_the_chart_has_the_file_itself(helm: Helm, tmp_path: Path) -> None:
    helm.run("package", str(CHART), "--destination", str(tmp_path))
    (archive,) = tmp_path.glob("*.tgz")
    with tarfile.open(archive) as packed:
        file = packed.extractfile("eventide/files/nginx.conf")
        assert file
        assert file.read() == SOURCE.read_bytes()


@pytest.mark.parametrize(("values", "tier"), [({}, "nginx"), (EMBEDDED, "embedded")])
def test_the_ingress_leads_to_the_one_address(helm: Helm, values: dict[str, object], tier: str) -> None:
    rendered = helm.render(PUBLIC, values)
    (ingress,) = rendered.of_kind("Ingress").values()
    backends = {
        rule["host"]: path["backend"]["service"]["port"]["name"]
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
        if path["path"] == "/" and path["backend"]["service"]["name"] == f"prod-eventide-{tier}"
    }
    assert backends == {"eventide.example.com": "http", "files.example.com": "files"}
    assert ingress["spec"]["tls"] == [{"hosts": sorted(backends), "secretName": "eventide-tls"}]
    ports = {port["name"] for port in rendered.of_kind("Service")[tier]["spec"]["ports"]}
    assert ports == set(backends.values())


def test_there_is_no_ingress_unless_asked_for(helm: Helm) -> None:
    assert not helm.render().of_kind("Ingress")
    assert helm.render().of_kind("Service")["nginx"]["spec"]["type"] == "ClusterIP"
    open_service = helm.render(SECURED).of_kind("Service")["nginx"]["spec"]
    assert (open_service["type"], open_service["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
