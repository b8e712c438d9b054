"""Kubernetes' own programs, etcd and CoreDNS, built of their Go modules once per machine: 15 minutes and more."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.servers.go_programs import cache, go, installed, module, one_at_a_time
from tests.servers.kubernetes_modules import KUBERNETES

ETCD = "go.etcd.io/etcd/server/v3", "v3.6.6"
COREDNS = "github.com/coredns/coredns", "v1.12.4"
BUILD_SECONDS = 3600
STAGED = re.compile(r"(k8s\.io/[\w-]+) => \./staging/")
ETCD_MAIN = """package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
"""


def kubernetes(name: str) -> Path:
    """One of Kubernetes' programs, such as kube-apiserver. Raises Unavailable."""
    _, version = KUBERNETES
    directory = cache() / f"kubernetes-{version}"
    with one_at_a_time(directory):
        program = directory / name
        if not program.exists():
            if not (directory / "go.mod").exists():
                _write_kubernetes_module(directory)
            flags = f"-X k8s.io/component-base/version.gitVersion={version}"
            options = ["build", "-ldflags", flags, "-o", f"{program}.new", f"{KUBERNETES[0]}/cmd/{name}"]
            go(options, directory, BUILD_SECONDS)
            program.with_name(f"{name}.new").rename(program)
    return program


def kubectl() -> Path:
    """The kubectl of this machine, or one that is built. Raises Unavailable."""
    found = shutil.which("kubectl")
    return Path(found) if found else kubernetes("kubectl")


def etcd() -> Path:
    """The etcd that is built: its module has no program that can be installed. Raises Unavailable."""
    name, version = ETCD
    directory = cache() / f"etcd-{version}"
    with one_at_a_time(directory):
        program = directory / "etcd"
        if not program.exists():
            (directory / "go.mod").write_text(f"module eventide.tests/etcd\ngo 1.24.0\nrequire {name} {version}\n")
            (directory / "main.go").write_text(ETCD_MAIN)
            go(["mod", "tidy"], directory, BUILD_SECONDS)
            go(["build", "-o", str(program), "."], directory, BUILD_SECONDS)
    return program


def coredns() -> Path:
    """The server of names. Raises Unavailable."""
    return installed(*COREDNS)


def _write_kubernetes_module(directory: Path) -> None:
    """Make a module that requires Kubernetes, whose own parts are modules of another version. Raises Unavailable."""
    name, version = KUBERNETES
    parts = sorted(set(STAGED.findall((module(name, version) / "go.mod").read_text())))
    lines = [f"replace {part} => {part} {version.replace('v1.', 'v0.', 1)}" for part in parts]
    text = "\n".join(["module eventide.tests/kubernetes", "go 1.24.0", f"require {name} {version}", *lines, ""])
    programs = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
    imports = "\n".join(f'import _ "{name}/cmd/{program}"' for program in programs)
    (directory / "tools.go").write_text(f"//go:build tools\n\npackage tools\n\n{imports}\n")
    (directory / "go.mod").write_text(text)
    go(["mod", "tidy"], directory, BUILD_SECONDS)
