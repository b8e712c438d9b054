"""A real kube-apiserver takes every object of the chart, and refuses what is none."""

from __future__ import annotations

import base64

import pytest
import yaml

from tests.chart.render import SERVICES, Document, Helm, Values, merge
from tests.chart.value_sets import SCALED, SECURED, VALUE_SETS
from tests.kube.kubectl import Cluster, Failed

STRICT = ("apply", "--dry-run=server", "--validate=strict", "-f", "-")


def secret(cluster: Cluster, name: str, key: str) -> str:
    """A value of a Secret."""
    return base64.b64decode(cluster.get("secret", name)["data"][key]).decode()


@pytest.mark.parametrize("values", VALUE_SETS)
def test_every_object_is_taken_without_a_warning(api_server: Cluster, helm: Helm, values: str) -> None:
    """Warnings are of the restricted Pod Security Standard, and of fields that are deprecated."""
    documents = helm.render(VALUE_SETS[values]).documents
    taken = [one for one in documents if one["kind"] != "Pod"]  # of `helm test`: needs its account to be there
    said = api_server.kubectl(*STRICT, text=yaml.safe_dump_all(taken))
    assert "Warning" not in said
    assert said.count("(server dry run)") == len(taken) >= len(documents) - 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"gateway": {"resources": {"limits": {"memory": "much"}}}}, "quantities must match"),
        (
            {"gateway": {"resources": {"limit": {"memory": "1Gi"}}}},
            'unknown field "spec.template.spec.containers[0].resources.limit"',
        ),
        ({"commonLabels": {"team": "a team"}}, "a valid label must"),
        ({"worker": {"topologySpreadConstraints": [{"maxSkew": 0}]}}, "topologySpreadConstraints"),
        ({"worker": {"tolerations": [{"operator": "Maybe"}]}}, "operator"),
        ({"networkPolicy": {"clients": [{"ipBlock": {"cidr": "10.0.0.0"}}]}}, "cidr"),
        (
            {"nginx": {"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["home"]}}},
            "LoadBalancerSourceRanges[0]",
        ),
        ({"serviceMonitor": {"labels": {"release": "a b"}}}, "a valid label must"),
        ({"keda": {"prometheus": {"authenticationRef": {"names": "prometheus"}}}}, "names"),
    ],
)
def test_bad_values_are_refused(api_server: Cluster, helm: Helm, values: Values, reason: str) -> None:
    text = yaml.safe_dump_all(helm.render(SCALED, values).documents)
    with pytest.raises(Failed) as refused:
        api_server.kubectl(*STRICT, text=text)
    assert reason in str(refused.value)


def test_pods_with_more_rights_would_be_warned_of(api_server: Cluster, helm: Helm) -> None:
    """So that the silence above says something."""
    deployment: Document = helm.render().of_kind("Deployment")["gateway"]
    changed = yaml.safe_load(yaml.safe_dump(deployment))
    changed["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    assert "Warning: would violate PodSecurity" in api_server.kubectl(*STRICT, text=yaml.safe_dump(changed))


def test_made_secrets_are_kept_by_upgrades_and_rollbacks(api_server: Cluster) -> None:
    """Without nodes no Job would end: hooks are left out, but for the Secret that one of them is."""
    api_server.install("--no-hooks", values=SERVICES)
    made = secret(api_server, "prod-eventide-gateway", "EVENTIDE_TOKEN_SECRET")
    assert len(made) == 48
    api_server.install("--no-hooks", values=merge(SERVICES, SCALED))
    assert api_server.get("scaledobject", "prod-eventide-worker")["spec"]["maxReplicaCount"] == 8
    for name in ("gateway", "query", "files"):
        assert secret(api_server, f"prod-eventide-{name}", "EVENTIDE_TOKEN_SECRET") == made
    api_server.helm("rollback", "prod", "1", "--no-hooks")
    assert secret(api_server, "prod-eventide-gateway", "EVENTIDE_TOKEN_SECRET") == made
    assert api_server.get("scaledobject") == []
    api_server.helm("uninstall", "prod", "--no-hooks")
    assert [claim["metadata"]["name"] for claim in api_server.get("pvc")] == ["prod-eventide-files"]


def test_upgrades_leave_the_number_of_pods_to_keda(api_server: Cluster) -> None:
    """KEDA's autoscaler sets it; here kubectl does."""
    api_server.install("--no-hooks", values=merge(SERVICES, SCALED), release="scaled")
    for kind in ("statefulset/scaled-eventide-worker", "deployment/scaled-eventide-gateway"):
        api_server.kubectl("scale", kind, "--replicas=5")
        api_server.install("--no-hooks", values=merge(SERVICES, SCALED, {"drainSeconds": 20}), release="scaled")
        assert api_server.get(kind)["spec"]["replicas"] == 5
    api_server.helm("uninstall", "scaled", "--no-hooks")


def test_an_upgrade_changes_no_selector(api_server: Cluster) -> None:
    """Which would be refused: labels that a version brings are no part of it."""
    api_server.install("--no-hooks", values=SERVICES, release="moving")
    api_server.install(
        "--no-hooks", values=merge(SERVICES, SECURED, {"commonLabels": {"more": "labels"}}), release="moving"
    )
    api_server.helm("uninstall", "moving", "--no-hooks")
