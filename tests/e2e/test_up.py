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
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.build import build
from tests.harness.deployment import ROOT, is_ready
from tests.servers.process import Process, free_port

# A terminal that was just opened.
BARE = {"PATH": os.environ["PATH"], "HOME": os.devnull}


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
    """As a block, into a shell that knows nothing."""
    lines = up.log.read_text().partition("In another terminal")[2].splitlines()
    block = "\n".join(line for line in lines if line.startswith(("export ", "TASK=", "for ", "curl ")))
    done = subprocess.run(["bash", "-euc", block], env=BARE, capture_output=True, text=True, check=True)
    added, curve = (json.loads(answer)["data"] for answer in re.findall(r'\{"meta".*?\}(?=\{"meta"|$)', done.stdout))
    assert added == {"added": 5, "errors": 0, "errors_info": {}}
    assert curve["loss"]["train"]["x"] == [1, 2, 3, 4, 5]


def test_the_credentials_are_the_owners_alone_and_stay(up: Process, directory: Path) -> None:
    file = directory / "credentials.json"
    made = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made["access_key"] in up.log.read_text()
    assert made["secret_key"] in up.log.read_text()


def test_the_secret_is_printed_by_the_first_start_alone(up: Process, directory: Path) -> None:
    """What a server prints ends in logs. Later ones print a line that asks for it."""
    made = json.loads((directory / "credentials.json").read_text())
    up.terminate()
    printed = len(up.log.read_text())
    up.start()
    up.wait_until(lambda: "A task, a batch" in up.log.read_text()[printed:])
    later = up.log.read_text()[printed:]
    assert made["secret_key"] not in later
    assert "#login=" not in later
    (line,) = [line for line in later.splitlines() if line.startswith("eval ")]
    script = f'{line}; echo "$KEYS"'
    done = subprocess.run(["bash", "-euc", script], env=BARE, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{made['access_key']}:{made['secret_key']}"


def test_no_secret_is_seen_among_the_processes_or_in_the_log(directory: Path, tmp_path: Path) -> None:
    """Of flags, and of requests that cannot be read."""
    port, secret = free_port(), "a-secret-of-many-letters-0123456789"
    flags = ["--access-key", "first", "--secret-k", secret, f"--token-secret={secret}", "--port", str(port)]
    process = Process([*command(directory), *flags], tmp_path / "up.log", env=environment(), cwd=ROOT)
    process.start()
    try:
        process.wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), 60)
        seen = b"".join(path.read_bytes() for path in Path("/proc").glob(f"{process.pid}/cmdline"))
        assert seen
        assert secret.encode() not in seen
        basic = b64encode(f"first:{secret}".encode()).decode()
        for broken in ("Bad Header: x", "X: \x00", "Content-Length: x", "Transfer-Encoding: nonsense"):
            lines = ["POST /events.add HTTP/1.1", "Host: localhost", f"Authorization: Basic {basic}", broken, "", ""]
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall("\r\n".join(lines).encode())
                connection.settimeout(5)
                connection.recv(1000)
    finally:
        process.terminate()
    told = (tmp_path / "up.log").read_text()
    assert basic not in told
    assert secret not in told


def test_a_second_process_on_the_directory_gets_one_clear_line(up: Process, directory: Path) -> None:
    second = subprocess.run(
        command(directory), env=environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert second.returncode == 2
    assert re.fullmatch(rf"eventide: {re.escape(str(directory))} is in use by another process .*\n", second.stderr)


def attempt(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """How a command ended that ends by itself."""
    return subprocess.run(
        arguments, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_env_prints_where_it_listens_whatever_the_flags_were(up: Process, directory: Path) -> None:
    exports = attempt([sys.executable, "-m", "deploy", "env", "--data-dir", str(directory)]).stdout
    assert exports in up.log.read_text()
    asked = 'curl -sf -u "$KEYS" "$EVENTIDE/users.get_current_user"; curl -sf -u "$KEYS" "$CLEARML_FILES_HOST"'
    subprocess.run(["bash", "-euc", f"{exports}\n{asked}"], env=BARE, check=True, capture_output=True)


def test_env_needs_a_data_directory_that_was_started(directory: Path) -> None:
    done = attempt([sys.executable, "-m", "deploy", "env", "--data-dir", str(directory)])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"EVENTIDE_DATA_DIR: no `eventide up` has run on {directory} yet" in done.stderr
    assert not directory.exists()


@pytest.mark.parametrize("name", ["PORT", "FILES_PORT"])
def test_an_occupied_port_leaves_no_data_directory(directory: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        flag = f"--{name.lower().replace('_', '-')}={occupied.getsockname()[1]}"
        done = attempt([*command(directory), f"--port={free_port()}", flag])
    assert done.returncode == 2
    assert f"(EVENTIDE_{name}): Address already in use" in done.stderr
    assert not directory.exists()


def test_one_port_for_both_servers_is_refused(directory: Path) -> None:
    done = attempt([*command(directory), "--port=8099", "--files-port=8099"])
    assert done.returncode == 2
    assert "EVENTIDE_PORT and EVENTIDE_FILES_PORT are both 8099" in done.stderr
    assert not directory.exists()


def test_the_build_is_in_the_log_and_among_the_metrics(up: Process) -> None:
    known = build()
    assert f"eventide {known} listens on 127.0.0.1:" in up.log.read_text()
    address = re.search(r"listens on (http://[\d.]+:\d+)", up.log.read_text())
    assert address
    with urllib.request.urlopen(f"{address[1]}/metrics", timeout=5) as answer:
        (line,) = [line for line in answer.read().decode().splitlines() if line.startswith("eventide_build_info{")]
    assert f'revision="{known.revision}"' in line
    assert f'version="{known.version}"' in line
    assert line.endswith(" 1.0")


def test_the_first_lines_of_the_log_are_eventides_own(up: Process) -> None:
    lines = [json.loads(line) for line in up.log.read_text().splitlines() if line.startswith("{")]
    assert lines
    assert {line["logger"].partition(".")[0] for line in lines} == {"eventide"}


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
    head = f"POST /events.add_batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {basic}\r\nContent-Length: 1000"
    ports = re.search(r"http://[\d.]+:(\d+), its files server on http://[\d.]+:(\d+)", up.log.read_text())
    assert ports
    with socket.create_connection(("127.0.0.1", int(ports[1 if port == "port" else 2]))) as slow:
        slow.sendall(f"{head}\r\n\r\n{{".encode())
        time.sleep(0.2)
        started = time.monotonic()
        assert up.terminate(10) == 0
        assert time.monotonic() - started < 5
