"""Pods of the chart: no rights, bounded, probed, spread, and with time to end."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from deploy.supervisor import GRACE_SECONDS
from schema.settings import Settings
from tests.chart.render import Document, Helm, Rendered
from tests.chart.value_sets import EMBEDDED, OWN, SCALED, SECURED, VALUE_SETS

DISTRIBUTED = ("migrate", "nginx", "gateway", "worker", "query", "files")
COMPOSE = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())["services"]
LEAVING_SECONDS = 5


@pytest.fixture(scope="module", params=[name for name in VALUE_SETS if name != "own"])
def rendered(helm: Helm, request: pytest.FixtureRequest) -> Rendered:
    return helm.render(VALUE_SETS[request.param])


def test_pods_meet_the_restricted_standard(rendered: Rendered) -> None:
    for tier, pod in rendered.everywhere().items():
        security = pod["spec"]["securityContext"]
        assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"}), tier
        assert security["runAsUser"] == security["fsGroup"] > 0, tier
        assert pod["spec"]["automountServiceAccountToken"] is False, tier
        (container,) = pod["spec"]["containers"]
        own = container["securityContext"]
        assert (own["readOnlyRootFilesystem"], own["allowPrivilegeEscalation"]) == (True, False), tier
        assert own["capabilities"] == {"drop": ["ALL"]}, tier


def test_no_variable_of_a_neighbouring_service_is_taken_for_a_setting(rendered: Rendered) -> None:
    """Kubernetes would set EVENTIDE_FILES_PORT to tcp://… beside a service that is named eventide-files."""
    assert {pod["spec"]["enableServiceLinks"] for pod in rendered.everywhere().values()} == {False}


def test_every_container_is_bounded(rendered: Rendered) -> None:
    for tier in rendered.pods():
        resources = rendered.container(tier)["resources"]
        assert (resources["limits"].keys(), resources["requests"].keys()) == ({"memory"}, {"cpu", "memory"}), tier


def test_pods_are_probed_where_they_say_how_they_are(rendered: Rendered) -> None:
    for tier in rendered.pods().keys() - {"migrate", "nginx"}:
        container = rendered.container(tier)
        paths = {
            kind: container[kind]["httpGet"]["path"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}, tier
        assert container["ports"][0]["name"] == container["readinessProbe"]["httpGet"]["port"], tier
    assert rendered.pods().keys() in ({"embedded"}, set(DISTRIBUTED))


def test_pods_have_the_time_that_they_drain_for(helm: Helm) -> None:
    for drain in (Settings().drain_seconds, 45.5):
        rendered = helm.render({"drainSeconds": drain})
        for tier in ("gateway", "query", "files"):
            spec = rendered.pods()[tier]["spec"]
            assert float(rendered.environment(tier)["EVENTIDE_DRAIN_SECONDS"]) == drain
            before = rendered.container(tier)["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert spec["terminationGracePeriodSeconds"] >= before + math.ceil(drain) + LEAVING_SECONDS
        assert rendered.pods()["worker"]["spec"]["terminationGracePeriodSeconds"] >= GRACE_SECONDS + LEAVING_SECONDS


@pytest.mark.parametrize("tier", ["gateway", "worker", "query", "files"])
def test_memory_is_that_of_compose(helm: Helm, tier: str) -> None:
    limit = helm.render().container(tier)["resources"]["limits"]["memory"]
    assert limit.lower() in (f"{COMPOSE[tier]['mem_limit']}i", COMPOSE[tier]["mem_limit"] + "i")


def test_tiers_are_spread_and_leave_one_at_a_time(helm: Helm) -> None:
    for values in ({}, EMBEDDED, SCALED):
        rendered = helm.render(values)
        tiers = rendered.pods().keys() - {"migrate"}
        for tier in tiers:
            labels = rendered.pods()[tier]["metadata"]["labels"]
            for spread in rendered.pods()[tier]["spec"]["topologySpreadConstraints"]:
                assert spread["labelSelector"]["matchLabels"].items() <= labels.items()
                assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
            budget = rendered.of_kind("PodDisruptionBudget")[tier]["spec"]
            assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
            assert budget["selector"]["matchLabels"].items() <= labels.items()
        assert rendered.of_kind("PodDisruptionBudget").keys() == tiers


def test_workers_have_lasting_names(helm: Helm) -> None:
    rendered = helm.render()
    worker = rendered.of_kind("StatefulSet")["worker"]
    assert rendered.environment("worker")["EVENTIDE_WORKER_ID"] == "hostname"
    assert worker["spec"]["podManagementPolicy"] == "Parallel"
    assert rendered.of_kind("Service")[worker["spec"]["serviceName"].removeprefix("prod-eventide-")]


def test_a_volume_of_files_is_never_on_two_nodes(helm: Helm) -> None:
    alone = helm.render().of_kind("Deployment")["files"]["spec"]
    assert (alone["replicas"], alone["strategy"]) == (1, {"type": "Recreate"})
    (claim,) = helm.render().of_kind("PersistentVolumeClaim").values()
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    shared = helm.render(SECURED)
    assert shared.of_kind("Deployment")["files"]["spec"]["replicas"] == 2
    assert not shared.of_kind("PersistentVolumeClaim")


def test_the_embedded_pod_is_one_with_a_volume(helm: Helm) -> None:
    rendered = helm.render(EMBEDDED, services=False)
    (embedded,) = rendered.of_kind("StatefulSet").values()
    assert (embedded["spec"]["replicas"], rendered.container("embedded")["args"]) == (1, ["up"])
    (claim,) = embedded["spec"]["volumeClaimTemplates"]
    mounts = {mount["name"]: mount["mountPath"] for mount in rendered.container("embedded")["volumeMounts"]}
    assert rendered.environment("embedded")["EVENTIDE_DATA_DIR"].startswith(mounts[claim["metadata"]["name"]])


def hook_of(document: Document) -> str:
    """When helm makes an object, if not with all others."""
    return str(document["metadata"].get("annotations", {}).get("helm.sh/hook", ""))


def test_the_job_runs_before_everything_else_of_a_revision(helm: Helm) -> None:
    rendered = helm.render()
    hooks = {d["kind"]: d for d in rendered.documents if hook_of(d).startswith("pre-")}
    assert hooks.keys() == {"ServiceAccount", "Secret", "Job"}
    weights = {kind: int(d["metadata"]["annotations"]["helm.sh/hook-weight"]) for kind, d in hooks.items()}
    assert weights["Job"] > max(weights["ServiceAccount"], weights["Secret"])
    assert {hook_of(document) for document in hooks.values()} == {"pre-install,pre-upgrade"}
    job = hooks["Job"]["spec"]["template"]["spec"]
    assert job["serviceAccountName"] == hooks["ServiceAccount"]["metadata"]["name"]
    assert rendered.container("migrate")["args"] == ["migrate"]


def test_tiers_have_what_people_ask_for(helm: Helm) -> None:
    rendered = helm.render(OWN)
    (worker,) = rendered.of_kind("StatefulSet").values()
    assert worker["metadata"]["labels"]["team"] == "ml"
    spec = worker["spec"]["template"]["spec"]
    assert (spec["nodeSelector"], spec["priorityClassName"]) == ({"pool": "workers"}, "high")
    assert spec["tolerations"] == [{"key": "workers", "operator": "Exists"}]
    assert worker["spec"]["replicas"] == 12
