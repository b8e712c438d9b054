"""A network namespace of a cluster's own, with its own loopback and firewall, and a link to this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kube.control_plane import Place
from tests.servers.process import Unavailable

HOST, ADDRESS = "10.211.77.1", "10.211.77.2"
SERVICES = "10.212.0.0/24"
PODS = "10.213.{number}.0/24"


@contextmanager
def network() -> Iterator[Place]:
    """Where a cluster can be. Raises Unavailable: only root may make one."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nsenter", "iptables"))):
        raise Unavailable("a network namespace needs root, iproute2 and iptables")
    name = f"ev{secrets.token_hex(3)}"
    place = Place(ADDRESS, SERVICES, ("nsenter", f"--net=/run/netns/{name}"))
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "outside", "netns", name)
        _run("ip", "address", "add", f"{HOST}/24", "dev", name)
        _run("ip", "link", "set", name, "up")
        _run("ip", "route", "add", SERVICES, "via", ADDRESS, "dev", name)
        _set_up_inside(place)
        yield place
    finally:
        subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _set_up_inside(place: Place) -> None:
    _run(*place.inside, "ip", "link", "set", "lo", "up")
    _run(*place.inside, "ip", "address", "add", f"{ADDRESS}/24", "dev", "outside")
    _run(*place.inside, "ip", "link", "set", "outside", "up")
    _run(*place.inside, "ip", "route", "add", "default", "via", HOST)
    _run(*place.inside, "sysctl", "-qw", "net.ipv4.ip_forward=1")


def _run(*command: str) -> None:
    """Run a command. Raises Unavailable: what the kernel does not allow here cannot be had."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()}")
