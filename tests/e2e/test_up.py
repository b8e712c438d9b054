"""``eventide up`` as a newcomer meets it."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.deployment import ROOT, is_ready
from tests.servers.process import Process, free_port


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An empty data directory."""
    return tmp_path / "data"


@pytest.fixture
def up(directory: Path, tmp_path: Path) -> Iterator[Process]:
    """A running ``eventide up``; the log holds what it prints."""
    port = str(free_port())
    process = Process([*command(directory), "--port", port], tmp_path / "up.log", env=environment(), cwd=ROOT)
    process.start()
    process.wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), 60)
    yield process
    process.terminate()


def command(directory: Path) -> list[str]:
    """The command on a data directory."""
    return [sys.executable, "-m", "deploy", "up", "--data-dir", str(directory), "--files-port", str(free_port())]


def environment() -> dict[str, str]:
    """This process's, without settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EVENTIDE_")}


def test_the_printed_lines_work_when_pasted(up: Process) -> None:
    lines = [line for line in up.log.read_text().splitlines() if line.startswith(("TASK=", "for ", "curl "))]
    assert len(lines) == 3
    script = "\n".join([lines[0], *(f"{line}; echo" for line in lines[1:])])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    added, curve = (json.loads(line)["data"] for line in done.stdout.splitlines())
    assert added == {"added": 5, "errors": 0, "errors_info": {}}
    assert curve["loss"]["train"]["x"] == [1, 2, 3, 4, 5]


def test_the_credentials_are_the_owners_alone_and_stay(up: Process, directory: Path) -> None:
    file = directory / "credentials.json"
    made = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made["access_key"] in up.log.read_text()
    up.terminate()
    up.start()
    up.wait_until(lambda: up.log.read_text().count(made["secret_key"]) >= 2 * 4)


def test_a_second_process_on_the_directory_gets_one_clear_line(up: Process, directory: Path) -> None:
    second = subprocess.run(
        command(directory), env=environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert second.returncode == 2
    assert re.fullmatch(rf"eventide: {re.escape(str(directory))} is in use by another process .*\n", second.stderr)


@pytest.mark.parametrize("setting", ["--port=x", "--readers=0", "--ack=never"])
def test_a_wrong_setting_is_named(directory: Path, setting: str) -> None:
    done = subprocess.run(
        [*command(directory), setting], env=environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    name = setting.removeprefix("--").partition("=")[0].upper()
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"EVENTIDE_{name}" in done.stderr


@pytest.mark.parametrize("port", ["port", "files port"])
def test_sigterm_ends_it_cleanly_within_five_seconds(up: Process, directory: Path, port: str) -> None:
    """Also while a client is in the middle of a body."""
    made = json.loads((directory / "credentials.json").read_text())
    basic = b64encode(f"{made['access_key']}:{made['secret_key']}".encode()).decode()
    head = f"POST /events.add_batch HTTP/1.1\r\nHost: here\r\nAuthorization: Basic {basic}\r\nContent-Length: 1000"
    ports = re.search(r"http://[\d.]+:(\d+), its files server on http://[\d.]+:(\d+)", up.log.read_text())
    assert ports
    with socket.create_connection(("127.0.0.1", int(ports[1 if port == "port" else 2]))) as slow:
        slow.sendall(f"{head}\r\n\r\n{{".encode())
        time.sleep(0.2)
        started = time.monotonic()
        assert up.terminate(10) == 0
        assert time.monotonic() - started < 5
