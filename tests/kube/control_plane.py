"""etcd and kube-apiserver: a real API, which validates and admits, with or without nodes behind it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.kube.kubectl import Cluster, Failed
from tests.kube.programs import etcd, kubectl, kubernetes
from tests.servers.go_programs import helm
from tests.servers.kubernetes_modules import resource_files
from tests.servers.process import Process, free_port

TOKEN = "admin-of-a-test"
START_SECONDS = 120


@dataclass(frozen=True)
class Place:
    """Where the servers listen. ``inside``: the command that enters their network, if it is one of their own."""

    address: str = "127.0.0.1"
    services: str = "10.96.0.0/24"
    inside: Sequence[str] = ()


@contextmanager
def control_plane(directory: Path, place: Place) -> Iterator[Cluster]:
    """An empty cluster that knows KEDA's and prometheus-operator's resources. Raises Unavailable and StartFailed."""
    etcd_ports, port = (free_port(), free_port()), free_port()
    programs = {"etcd": etcd(), "apiserver": kubernetes("kube-apiserver")}
    commands = {
        "etcd": [str(programs["etcd"]), *_etcd_options(directory, *etcd_ports)],
        "apiserver": [str(programs["apiserver"]), *_api_options(directory, place, etcd_ports[0], port)],
    }
    kubeconfig = _write_kubeconfig(directory, f"https://{place.address}:{port}")
    cluster = Cluster(kubeconfig, kubectl(), helm())
    started: list[Process] = []
    try:
        for name, command in commands.items():
            process = Process([*place.inside, *command], directory / f"{name}.log")
            process.start()
            started.append(process)
        started[-1].wait_until(lambda: _is_ready(cluster), START_SECONDS)
        _add_resources(cluster)
        yield cluster
    finally:
        for process in reversed(started):
            process.terminate(5)


def _etcd_options(directory: Path, clients: int, peers: int) -> list[str]:
    urls = [f"http://127.0.0.1:{port}" for port in (clients, peers)]
    options = {
        "data-dir": directory / "etcd",
        "listen-client-urls": urls[0],
        "advertise-client-urls": urls[0],
        "listen-peer-urls": urls[1],
        "initial-advertise-peer-urls": urls[1],
        "initial-cluster": f"default={urls[1]}",
    }
    return ["--unsafe-no-fsync", *(f"--{name}={value}" for name, value in options.items())]


def _api_options(directory: Path, place: Place, etcd_port: int, port: int) -> list[str]:
    key = directory / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    (directory / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    options = {
        "etcd-servers": f"http://127.0.0.1:{etcd_port}",
        "secure-port": port,
        "bind-address": place.address,
        "advertise-address": place.address,
        "cert-dir": directory / "certificates",
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "service-account-issuer": "https://kubernetes.default.svc",
        "token-auth-file": directory / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-cluster-ip-range": place.services,
        "allow-privileged": "true",
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-client-certificate": directory / "kubelet.crt",
        "kubelet-client-key": directory / "kubelet.key",
    }
    _write_kubelet_certificate(directory)
    return [f"--{name}={value}" for name, value in options.items()]


def _write_kubelet_certificate(directory: Path) -> None:
    """Make the certificate of kubelets, and of the API server towards them."""
    files = ["-keyout", str(directory / "kubelet.key"), "-out", str(directory / "kubelet.crt")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=node", *files]
    subprocess.run(command, check=True, capture_output=True)


def _write_kubeconfig(directory: Path, server: str) -> Path:
    configuration = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file = directory / "kubeconfig"
    file.write_text(yaml.safe_dump(configuration))
    file.chmod(0o600)
    return file


def _is_ready(cluster: Cluster) -> bool:
    try:
        return cluster.kubectl("get", "--raw", "/readyz").startswith("ok")
    except Failed:
        return False


def _add_resources(cluster: Cluster) -> None:
    for file in resource_files():
        cluster.kubectl("create", "-f", str(file))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    cluster.kubectl("create", "namespace", cluster.namespace)
    standard = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
    cluster.kubectl("label", "namespace", cluster.namespace, *standard)
