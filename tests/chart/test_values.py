"""The chart's values: ``helm lint`` finds nothing, the schema names every default, bad values are refused."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.chart.render import CHART, KUBERNETES, ROOT, SERVICES, Helm, Refused, Values, merge
from tests.chart.value_sets import VALUE_SETS

SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
OF_HELM = {"global"}


def allowed(schema: dict[str, Any]) -> dict[str, Any]:
    """The properties that a part of the schema has."""
    if "$ref" in schema:
        return allowed(SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]])
    properties: dict[str, Any] = schema.get("properties", {})
    return properties


def unknown(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> list[str]:
    """The values that the schema does not name."""
    known = allowed(schema)
    if not known:
        return []
    found = [f"{path}{name}" for name in values.keys() - known.keys()]
    for name, value in values.items():
        if isinstance(value, dict) and name in known:
            found += unknown(value, known[name], f"{path}{name}.")
    return found


@pytest.mark.parametrize("values", VALUE_SETS)
def test_lint_finds_nothing(helm: Helm, values: str) -> None:
    given = json.dumps(merge(SERVICES, VALUE_SETS[values]))
    said = helm.run("lint", str(CHART), "--strict", *KUBERNETES, "--values", "-", text=given)
    assert "1 chart(s) linted, 0 chart(s) failed" in said


@pytest.mark.parametrize("values", VALUE_SETS)
def test_objects_have_names_that_fit_and_one_namespace(helm: Helm, values: str) -> None:
    documents = helm.render(VALUE_SETS[values]).documents
    names = [(one["kind"], one["metadata"]["name"]) for one in documents]
    assert len(names) == len(set(names))
    assert all(len(name) <= 52 for _, name in names)  # a StatefulSet's pods have eleven more characters in a label
    assert {one["metadata"]["namespace"] for one in documents} == {"ml"}
    assert all(one["metadata"]["labels"]["app.kubernetes.io/instance"] == "prod" for one in documents)


def test_every_default_is_named_by_the_schema() -> None:
    assert unknown(VALUES, SCHEMA) == []
    assert SCHEMA["properties"].keys() - VALUES.keys() == OF_HELM


def leaves(schema: dict[str, Any]) -> set[str]:
    """The names of all values that the schema has, the innermost."""
    found = set()
    for name, part in allowed(schema).items():
        found |= leaves(part) or {name}
    return found


def test_every_value_is_read_by_a_template() -> None:
    """One that is accepted and does nothing would be a trap."""
    templates = "".join(file.read_text() for file in (CHART / "templates").iterdir())
    made = {"caKey", "certKey", "keyKey", *allowed(SCHEMA["definitions"]["secrets"])}  # of parts, while rendering
    unread = {name for name in leaves(SCHEMA) - made - OF_HELM if not re.search(rf"\b{name}\b", templates)}
    assert unread == set()


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_images_are_those_of_compose(helm: Helm) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    rendered = helm.render()
    assert rendered.container("nginx")["image"] == compose["nginx"]["image"]
    for tier in ("migrate", "gateway", "worker", "query", "files"):
        assert rendered.container(tier)["image"].endswith("-tiers")
    assert helm.render({"mode": "embedded"}).container("embedded")["image"].count("-") == 0


def test_one_tier_may_run_another_version(helm: Helm) -> None:
    """As an upgrade in two steps asks for: workers before gateways."""
    rendered = helm.render(
        {"image": {"repository": "registry:5000/eventide", "tag": "2"}, "gateway": {"image": {"tag": "1"}}}
    )
    assert rendered.container("gateway")["image"] == "registry:5000/eventide:1"
    assert rendered.container("worker")["image"] == "registry:5000/eventide:2"
    digest = f"sha256:{'0' * 64}"
    assert helm.render({"image": {"digest": digest}}).container("query")["image"] == f"eventide@{digest}"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"mode": "single"}, "mode"),
        ({"replicas": 3}, "replicas"),
        ({"gateway": {"replicas": 0}}, "replicas"),
        ({"gateway": {"replicas": "two"}}, "replicas"),
        ({"settings": {"EVENTIDE_REDAERS": 8}}, "EVENTIDE_REDAERS"),
        ({"settings": {"EVENTIDE_CLICKHOUSE_URL": "http://u:p@h:1/d"}}, "EVENTIDE_CLICKHOUSE_URL"),
        ({"worker": {"settings": {"EVENTIDE_WORKER_ID": "all-the-same"}}}, "EVENTIDE_WORKER_ID"),
        ({"kafka": {"bootstrap": "kafka"}}, "bootstrap"),
        ({"kafka": {"bootstrap": ""}}, "kafka.bootstrap: set the brokers"),
        ({"kafka": {"partitions": 0}}, "partitions"),
        ({"kafka": {"sasl": {"mechanism": "GSSAPI"}}}, "mechanism"),
        ({"kafka": {"sasl": {"username": "u"}}}, "set kafka.sasl.mechanism, too"),
        ({"kafka": {"tls": {"secretName": "tls"}}}, "set kafka.tls.enabled, too"),
        (
            {"kafka": {"sasl": {"mechanism": "PLAIN", "serviceAccountToken": {"audience": "k"}}}},
            "goes with mechanism OAUTHBEARER",
        ),
        ({"kafka": {"sasl": {"oauthUrl": "http://idp/token"}}}, "oauthUrl"),
        ({"objects": {"store": "gs://bucket"}}, "store"),
        ({"ingress": {"enabled": True}}, "ingress.host: set"),
        ({"allowedOrigins": ["web.example.com"]}, "allowedOrigins"),
        ({"preStopSeconds": 0}, "preStopSeconds"),
        ({"nginx": {"service": {"type": "ExternalName"}}}, "type"),
        ({"image": {"repository": "eventide:latest"}}, "repository"),
    ],
)
def test_bad_values_are_refused(helm: Helm, values: Values, reason: str) -> None:
    with pytest.raises(Refused, match=re.escape(reason)):
        helm.render(values)


def test_the_examples_of_the_document_render(helm: Helm) -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    examples = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        assert helm.render(yaml.safe_load(example)).documents
