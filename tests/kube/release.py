"""A release of the chart on a cluster with stand-in services: what is installed, and its first user."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.chart.render import Document, Values, merge
from tests.harness.api import Api, Credentials, Origins
from tests.kube.images import NEW, OLD
from tests.kube.kubectl import Cluster

STAND_INS = Path(__file__).with_name("stand_ins.yaml")
SERVICES_NAMESPACE = "services"
INSTALL = ("--wait", "--timeout", "10m")
# Two cores for both nodes: nothing is asked for beforehand.
SMALL: dict[str, Any] = {"resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "1Gi"}}}
VALUES: Values = {
    "image": {"repository": "docker.io/library/eventide", "tag": OLD, "pullPolicy": "Never"},
    "kafka": {"bootstrap": "kafka.services:9092", "replication": 1, "partitions": 4},
    "secrets": {
        "clickhouseUrl": {"value": "http://eventide:word@clickhouse.services:8123/eventide"},
        "registryUrl": {"value": "postgresql://eventide:word@postgres.services/eventide"},
    },
    "files": {"persistence": {"existingClaim": "files"}, **SMALL},
    **{tier: SMALL for tier in ("migrate", "nginx", "gateway", "worker", "query")},
}
NEWER: Values = {"image": {"tag": NEW}}
TIERS = ("nginx", "gateway", "worker", "query", "files")


@dataclass(frozen=True)
class Release:
    """The release ``prod`` on a cluster."""

    cluster: Cluster

    def upgrade(self, *values: Values) -> None:
        """Install it, or change it; returns once all pods are ready."""
        self.cluster.install(*INSTALL, values=merge(VALUES, *values))

    def revision(self) -> int:
        """The number of the revision that is installed."""
        return int(json.loads(self.cluster.helm("status", "prod", "--output", "json"))["version"])

    def roll_back(self, revision: int) -> None:
        """Go back to a revision."""
        self.cluster.helm("rollback", "prod", str(revision), *INSTALL)

    def pods(self, tier: str) -> list[Document]:
        """The pods of a tier that are not about to go."""
        found = self.cluster.get("pods", "-l", f"app.kubernetes.io/component={tier}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def images(self, tier: str) -> set[str]:
        """The tags of the images that a tier's pods run."""
        return {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in self.pods(tier)}

    def are_ready(self, tier: str, wanted: int) -> bool:
        """Whether a tier has so many pods, all ready."""
        pods = self.pods(tier)
        return len(pods) == wanted and all(_is_ready(pod) for pod in pods)

    def api(self) -> Api:
        """The first user, through nginx's service, whose secret key the chart has made."""
        service = self.cluster.get("service", "prod-eventide-nginx")["spec"]
        address = f"http://{service['clusterIP']}:{service['ports'][0]['port']}"
        return Api(Origins(address, address), Credentials("EVENTIDE", self.secret_key()))

    def secret_key(self) -> str:
        """The first user's secret key, where NOTES says that it is."""
        data = self.cluster.get("secret", "prod-eventide-migrate")["data"]
        return base64.b64decode(data["EVENTIDE_SECRET_KEY"]).decode()


def start_services(cluster: Cluster) -> None:
    """Start Kafka, ClickHouse and PostgreSQL, and wait until they are ready."""
    cluster.kubectl("create", "namespace", SERVICES_NAMESPACE)
    cluster.kubectl("apply", "-n", SERVICES_NAMESPACE, "-f", str(STAND_INS))
    wait = ("wait", "--for=condition=Ready", "pod", "--all", "--timeout=240s")
    cluster.kubectl("-n", SERVICES_NAMESPACE, *wait)


def provide_volume(cluster: Cluster, name: str, directory: Path) -> None:
    """Make a claim of a name, with a directory of the first node behind it."""
    directory.mkdir()
    volume = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "local": {"path": str(directory)},
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}]}
                ]
            }
        },
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    documents = [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": claim},
    ]
    cluster.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(documents))


def _is_ready(pod: Document) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)
