"""Prometheus' and Alertmanager's files: what fires when, by promtool; and every name in them exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.observe.alert_cases import CASES, HEALTHY, STEP_SECONDS, Case
from tests.observe.names import known_series, series_in
from tests.observe.programs import run

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / "deploy" / "observe"
FILES = ("recording.yml", "alerts.yml")
RULES: list[dict[str, Any]] = [
    rule
    for file in FILES
    for group in yaml.safe_load((DIRECTORY / file).read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'


def promtool_test(case: Case) -> dict[str, Any]:
    """A case as promtool reads it: the alerts that fire then, and no others."""
    samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(case.alerts)]
    return {
        "name": case.name,
        "interval": f"{STEP_SECONDS}s",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [{"expr": FIRING, "eval_time": f"{case.minutes}m", "exp_samples": samples}],
    }


def write_tests(directory: Path, *tests: dict[str, Any]) -> Path:
    """A file of tests for promtool."""
    path = directory / "tests.yml"
    document = {
        "rule_files": [str(DIRECTORY / file) for file in FILES],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "tests": list(tests),
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_each_alert_fires_on_what_it_is_about_and_nothing_else_does(tmp_path: Path) -> None:
    run("promtool", "test", "rules", write_tests(tmp_path, *map(promtool_test, CASES)))


def test_promtool_notices_an_alert_that_does_not_fire(tmp_path: Path) -> None:
    wrong = Case("nothing fires", HEALTHY.series, 1, frozenset({"EventideLagging"}))
    with pytest.raises(AssertionError, match="FAILED"):
        run("promtool", "test", "rules", write_tests(tmp_path, promtool_test(wrong)))


def test_each_alert_has_a_case() -> None:
    assert HEALTHY.alerts == frozenset()
    assert set().union(*(case.alerts for case in CASES)) == set(ALERTS)


def test_an_alert_says_what_is_so_and_where(tmp_path: Path) -> None:
    series = 'eventide_disk_free_bytes{job="eventide", instance="up-1", directory="data"}'
    alert = {
        "exp_labels": {"severity": "page", "job": "eventide", "instance": "up-1", "directory": "data"},
        "exp_annotations": {
            "summary": "The disk of data at up-1 is nearly full",
            "description": "1GiB are free; `eventide up` takes no writes below 768 MiB.",
        },
    }
    test = {
        "interval": f"{STEP_SECONDS}s",
        "input_series": [{"series": series, "values": f"{1 << 30}x20"}],
        "alert_rule_test": [{"eval_time": "3m", "alertname": "EventideDiskFull", "exp_alerts": [alert]}],
    }
    run("promtool", "test", "rules", write_tests(tmp_path, test))


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_an_alert_wakes_somebody_or_not_and_has_a_runbook(alert: str) -> None:
    assert ALERTS[alert]["labels"]["severity"] in ("page", "ticket")
    assert {"summary", "description"} <= ALERTS[alert]["annotations"].keys()
    runbook = (ROOT / "docs" / "operations.md").read_text()
    assert re.search(rf"^### {alert}$", runbook, re.MULTILINE)


def test_the_runbook_has_no_alert_that_is_not_there() -> None:
    headings = re.findall(r"^### (Eventide\w+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert headings == list(ALERTS)


def test_every_series_in_rules_exists() -> None:
    named = set().union(*(series_in(rule["expr"]) for rule in RULES))
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    assert {"eventide_unapplied_seconds", "up"} <= named
    assert named - known_series() - recorded == set()


def test_prometheus_accepts_its_configuration() -> None:
    run("promtool", "check", "config", DIRECTORY / "prometheus.yml")


def test_alertmanager_accepts_its_configuration_and_routes_by_severity() -> None:
    file = DIRECTORY / "alertmanager.yml"
    run("amtool", "check-config", file)
    for severity, receiver in (("page", "pages"), ("ticket", "tickets")):
        routed = run("amtool", "config", "routes", "test", f"--config.file={file}", f"severity={severity}")
        assert routed.strip() == receiver


def test_inhibitions_name_alerts_that_exist() -> None:
    rules = yaml.safe_load((DIRECTORY / "alertmanager.yml").read_text())["inhibit_rules"]
    matchers = [matcher for rule in rules for side in ("source_matchers", "target_matchers") for matcher in rule[side]]
    patterns = [pattern for text in matchers if "alertname" in text for pattern in re.findall(r"Eventide[\w.*]+", text)]
    assert patterns
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, alert) for alert in ALERTS)] == []
