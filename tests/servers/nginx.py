"""A real nginx with the project's own configuration, in front of the tiers as in production."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import Process, Unavailable, free_port, listens

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
# What the image's own user and folders are in production.
OWN_ADDRESS = "127.0.0.3"  # that it calls the tiers from: clients have others, as in production
OURS = """    access_log off;
    proxy_bind {address};
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
"""


@dataclass(frozen=True)
class Addresses:
    """Where nginx listens: for the API, and for files."""

    api: str
    files: str


@contextmanager
def nginx(directory: Path, gateway: str, query: str, files: str) -> Iterator[Addresses]:
    """The one address of the tiers, given their origins. Raises Unavailable if nginx is not installed."""
    program = find_nginx()
    if program is None:
        raise Unavailable("nginx is not installed")
    ports = free_port(), free_port()
    file = directory / "nginx.conf"
    file.write_text(_configuration(directory, ports, gateway, query, files))
    user = "user root; " if os.geteuid() == 0 else ""
    options = f"{user}daemon off; pid {directory}/nginx.pid; error_log stderr;"
    process = Process([program, "-c", file, "-g", options], directory / "nginx.log")
    process.start()
    try:
        process.wait_until(lambda: all(listens(port) for port in ports), 10)
        yield Addresses(*(f"http://127.0.0.1:{port}" for port in ports))
    finally:
        process.terminate()


def find_nginx() -> str | None:
    """The program; None if it is not installed."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def _configuration(directory: Path, ports: tuple[int, int], gateway: str, query: str, files: str) -> str:
    text = CONFIGURATION.read_text()
    changes = {
        r"http \{\n": "http {\n" + OURS.format(directory=directory, address=OWN_ADDRESS),
        r"listen 8008 ": f"listen 127.0.0.1:{ports[0]} ",
        r"listen 8081 ": f"listen 127.0.0.1:{ports[1]} ",
        r"gateway gateway:8008;": f"gateway {gateway.removeprefix('http://')};",
        r"query query:8008;": f"query {query.removeprefix('http://')};",
        r"default files:8081;": f"default {files.removeprefix('http://')};",
    }
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text)
        assert count == 1, f"{CONFIGURATION} has {count} times {pattern!r}"
    return text
