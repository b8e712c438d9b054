"""A whole cluster of two nodes in a network namespace: its control plane, names, service addresses, nodes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.kube.control_plane import Place, control_plane
from tests.kube.kubectl import Cluster
from tests.kube.network import network
from tests.kube.node import PLUGINS, Node, started
from tests.kube.programs import coredns, kubernetes
from tests.servers.process import Process, Unavailable

NODES = (1, 2)
NAMES = """.:53 {{
    bind {address}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
    }}
    cache 30
}}
"""


@contextmanager
def two_nodes(directory: Path, archives: Sequence[Path]) -> Iterator[Cluster]:
    """A cluster. ``archives``: images of all nodes, then of the first alone. Raises Unavailable and StartFailed."""
    _check_programs()
    with ExitStack() as stack:
        place = stack.enter_context(network())
        cluster = stack.enter_context(control_plane(directory, place))
        for name, command in _commands(directory, place).items():
            process = Process([*place.inside, *command], directory / f"{name}.log")
            process.start()
            stack.callback(process.terminate)
        nodes = [Node(number, directory / f"node{number}", place) for number in NODES]
        for node in nodes:
            stack.enter_context(started(node, directory, archives if node is nodes[0] else archives[:1]))
        stack.callback(_end_pods, cluster, nodes)
        cluster.until(lambda: _ready_nodes(cluster) == len(nodes), f"{len(nodes)} nodes")
        yield cluster


def _check_programs() -> None:
    """Raise Unavailable for what Debian's containerd, runc and containernetworking-plugins bring."""
    missing = [name for name in ("containerd", "ctr", "runc") if not shutil.which(name)]
    if os.geteuid() != 0 or missing or not (PLUGINS / "bridge").exists():
        raise Unavailable(f"a node needs root, containerd, runc and {PLUGINS}; missing: {', '.join(missing)}")


def _commands(directory: Path, place: Place) -> dict[str, list[str]]:
    """What runs beside the API server, by name."""
    kubeconfig = directory / "kubeconfig"
    with_it = [f"--kubeconfig={kubeconfig}"]
    (directory / "Corefile").write_text(NAMES.format(address=place.address, kubeconfig=kubeconfig))
    manager = [
        f"--service-account-private-key-file={directory / 'accounts.key'}",
        f"--root-ca-file={directory / 'certificates' / 'apiserver.crt'}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    ]
    proxy = [
        "--hostname-override=node1",
        "--cluster-cidr=10.213.0.0/16",
        "--proxy-mode=iptables",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    ]
    return {
        "manager": [str(kubernetes("kube-controller-manager")), *with_it, *manager],
        "scheduler": [str(kubernetes("kube-scheduler")), *with_it, "--leader-elect=false", "--bind-address=127.0.0.1"],
        "proxy": [str(kubernetes("kube-proxy")), *with_it, *proxy],
        "names": [str(coredns()), "-conf", str(directory / "Corefile")],
    }


def _ready_nodes(cluster: Cluster) -> int:
    conditions = [c for node in cluster.get("nodes") for c in node["status"].get("conditions", ())]
    return sum(1 for condition in conditions if (condition["type"], condition["status"]) == ("Ready", "True"))


def _end_pods(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """End all pods while there is somebody who does so: their processes would outlive containerd."""
    cluster.kubectl("cordon", *(node.name for node in nodes))
    for namespace in cluster.get("namespaces"):
        every = ("--namespace", namespace["metadata"]["name"], "delete", "pods", "--all")
        cluster.kubectl(*every, "--grace-period=1", "--wait=false")
    cluster.until(lambda: not any(node.containers() for node in nodes), "all containers ended", 90)
