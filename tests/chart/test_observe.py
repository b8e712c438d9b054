"""Alerts, recording rules and dashboards of the chart are those of ``deploy/observe``, unchanged."""

from __future__ import annotations

import json

import yaml

from tests.chart.render import ROOT, Helm
from tests.chart.value_sets import SCALED

SOURCE = ROOT / "deploy" / "observe"


def test_there_are_none_unless_asked_for(helm: Helm) -> None:
    assert not helm.render().of_kind("PrometheusRule")
    assert helm.render().of_kind("ConfigMap").keys() == {"nginx"}


def test_rules_are_those_of_compose(helm: Helm) -> None:
    rules = helm.render(SCALED).of_kind("PrometheusRule")
    assert rules.keys() == {"alerts", "recording"}
    for name, rule in rules.items():
        assert rule["spec"] == yaml.safe_load((SOURCE / f"{name}.yml").read_text())
        assert rule["metadata"]["labels"]["release"] == "prometheus"


def test_dashboards_are_those_of_compose(helm: Helm) -> None:
    maps = helm.render(SCALED).of_kind("ConfigMap")
    files = {file.name: file for file in (SOURCE / "grafana" / "dashboards").glob("*.json")}
    found = {name: text for one in maps.values() for name, text in one["data"].items() if name.endswith(".json")}
    assert files
    assert {name: json.loads(text) for name, text in found.items()} == {
        name: json.loads(file.read_text()) for name, file in files.items()
    }
    labels = [one["metadata"]["labels"] for name, one in maps.items() if name.startswith("dashboard-")]
    assert [label["grafana_dashboard"] for label in labels] == ["1"] * len(files)
