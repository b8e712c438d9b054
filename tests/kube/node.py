"""A node: containerd and kubelet. Two of them share a network namespace, and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.kube.control_plane import Place
from tests.kube.network import PODS
from tests.kube.programs import kubernetes
from tests.servers.process import Process

PAUSE = "registry.local/pause:1"
PLUGINS = Path("/usr/lib/cni")  # Debian's containernetworking-plugins
CONTROLLERS = Path("/sys/fs/cgroup")
START_SECONDS = 60
CONTAINERD = """version = 2
root = "{directory}/root"
state = "{directory}/state"
[grpc]
  address = "{directory}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{directory}/cni"
"""


@dataclass(frozen=True)
class Node:
    """One node of a cluster. ``number``: 1 or more; its pods' addresses and its ports follow."""

    number: int
    directory: Path
    place: Place

    @property
    def name(self) -> str:
        """The name by which the cluster knows it."""
        return f"node{self.number}"

    @property
    def socket(self) -> Path:
        """Where its containerd listens."""
        return self.directory / "containerd.sock"

    def load(self, archive: Path) -> None:
        """Give it the images of an archive."""
        self._ask("images", "import", str(archive))

    def containers(self) -> list[str]:
        """The ids of the containers that run."""
        return self._ask("tasks", "list", "--quiet").split()

    def _ask(self, *arguments: str) -> str:
        command = ["ctr", "--address", str(self.socket), "--namespace", "k8s.io", *arguments]
        done = subprocess.run([*self.place.inside, *command], check=True, capture_output=True, text=True, timeout=300)
        return done.stdout


@contextmanager
def started(node: Node, credentials: Path, archives: Sequence[Path]) -> Iterator[None]:
    """Run a node with some images. ``credentials``: the cluster's directory. Raises Unavailable and StartFailed."""
    node.directory.mkdir()
    cgroup = _make_cgroup(f"eventide-{node.name}")
    with ExitStack() as stack:
        stack.callback(_clean_up, node)
        containerd = _start(stack, node, "containerd", ["containerd", "--config", str(_write_containerd(node))])
        containerd.wait_until(node.socket.exists, START_SECONDS)
        for archive in archives:
            node.load(archive)
        _start(stack, node, "kubelet", _kubelet(node, credentials, cgroup))
        yield


def _start(stack: ExitStack, node: Node, name: str, command: Sequence[str]) -> Process:
    """Start a process in a node's network, which the stack ends."""
    process = Process([*node.place.inside, *command], node.directory / f"{name}.log")
    process.start()
    stack.callback(process.terminate)
    return process


def _clean_up(node: Node) -> None:
    """Unmount what its containers and pods had, and remove their cgroups."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{node.directory}/")]):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
    for cgroup in CONTROLLERS.glob(f"*/eventide-{node.name}"):
        for path in sorted((path for path in cgroup.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                path.rmdir()
        with suppress(OSError):
            cgroup.rmdir()


def _write_containerd(node: Node) -> Path:
    (node.directory / "cni").mkdir()
    bridge = {
        "type": "bridge",
        "bridge": f"pods{node.number}",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(node.directory / "addresses"),
            "ranges": [[{"subnet": PODS.format(number=node.number)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    network = {"cniVersion": "0.4.0", "name": node.name, "plugins": [bridge]}
    (node.directory / "cni" / "10-bridge.conflist").write_text(json.dumps(network))
    file = node.directory / "containerd.toml"
    file.write_text(CONTAINERD.format(directory=node.directory, pause=PAUSE, plugins=PLUGINS))
    return file


def _kubelet(node: Node, credentials: Path, cgroup: str) -> list[str]:
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "port": 10300 + node.number,
        "healthzPort": 10400 + node.number,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        "failSwapOn": False,
        "failCgroupV1": False,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "enforceNodeAllocatable": [],
        "clusterDNS": [node.place.address],
        "clusterDomain": "cluster.local",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "localStorageCapacityIsolation": False,
        "resolvConf": "",
        "protectKernelDefaults": False,
    }
    file = node.directory / "kubelet.yaml"
    file.write_text(yaml.safe_dump(configuration))
    options = {
        "config": file,
        "kubeconfig": credentials / "kubeconfig",
        "hostname-override": node.name,
        "node-ip": node.place.address,
        "root-dir": node.directory / "kubelet",
        "tls-cert-file": credentials / "kubelet.crt",
        "tls-private-key-file": credentials / "kubelet.key",
        "node-labels": f"topology.kubernetes.io/zone=zone{node.number}",
    }
    return [str(kubernetes("kubelet")), *(f"--{name}={value}" for name, value in options.items())]


def _make_cgroup(name: str) -> str:
    """Make a cgroup for a node's pods, of every controller: a kubelet removes those of pods that it does not know."""
    roots = [path for path in CONTROLLERS.iterdir() if (path / "cgroup.procs").exists()] or [CONTROLLERS]
    for root in roots:
        made = root / name
        made.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (root / file).exists():
                (made / file).write_text((root / file).read_text())
    return f"/{name}"
