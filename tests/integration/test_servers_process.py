"""A server process dies with its starter, says why it did not start, and keeps its port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.process import Process, StartFailed, free_port

ROOT = Path(__file__).parents[2]
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def test_it_dies_with_its_starter(tmp_path: Path) -> None:
    starter = f"""
        import os, signal
        from pathlib import Path
        from tests.servers.process import Process
        process = Process({SLEEP}, Path({str(tmp_path / "log")!r}))
        process.start()
        print(process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(starter)]
    pid = int(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False).stdout)
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text())


def test_it_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    process = Process(SLEEP, tmp_path / "log")
    thread = threading.Thread(target=process.start)
    thread.start()
    thread.join()
    try:
        process.wait_until(lambda: process.log.read_text() == "up\n")
        time.sleep(0.1)
        assert process.alive
    finally:
        process.kill()
    assert not process.alive


def test_a_paused_one_can_be_terminated(tmp_path: Path) -> None:
    process = Process(SLEEP, tmp_path / "log")
    process.start()
    process.wait_until(lambda: "up" in process.log.read_text())
    process.pause()
    wait_for(lambda: "State:\tT" in Path(f"/proc/{process.pid}/status").read_text())
    assert process.terminate() == -signal.SIGTERM
    process.start()
    process.wait_until(lambda: process.log.read_text() == "up\nup\n")
    with pytest.raises(RuntimeError, match="runs already"):
        process.start()
    process.pause()
    process.kill()
    assert not process.alive


def test_a_failed_start_shows_the_end_of_the_log(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", "print('no disk'); raise SystemExit(3)"], tmp_path / "log")
    process.start()
    with pytest.raises(StartFailed, match=r"(?s)ended with 3.*no disk"):
        process.wait_until(lambda: False)
    slow = Process(SLEEP, tmp_path / "log")
    slow.start()
    with pytest.raises(StartFailed, match="not ready after 0 s"):
        slow.wait_until(lambda: False, seconds=0.1)
    slow.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_can_run_it_as_somebody_else(tmp_path: Path) -> None:
    process = Process(["id", "-un"], tmp_path / "log", user="nobody")
    process.start()
    process.wait()
    assert process.log.read_text() == "nobody\n"


def test_ports_are_not_those_of_clients() -> None:
    ports = [free_port() for _ in range(100)]
    assert len(set(ports)) == 100
    assert max(ports) < 32_768


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
