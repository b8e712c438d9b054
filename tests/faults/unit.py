"""One Eventide process, to be killed and paused."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.harness.deployment import ROOT, is_ready
from tests.servers.process import Process, free_port


class Unit:
    """A process on a port of its own; its output is in ``log``."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.log = log
        self._process = Process([*command, "--port", str(self.port)], log, env=environment, cwd=ROOT)

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Also true while paused."""
        return self._process.alive

    @property
    def pids(self) -> list[int]:
        """Its own, and those of the processes that it supervises."""
        if not self.alive:
            return []
        try:
            own = psutil.Process(self._process.pid)
            return [own.pid, *(child.pid for child in own.children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    def start(self) -> None:
        """Returns at once."""
        self._process.start()

    def wait_ready(self, seconds: float = 90) -> None:
        """Until ``/readyz`` says so."""
        self._process.wait_until(lambda: is_ready(self.origin), seconds)

    def kill(self) -> None:
        """SIGKILL; what it supervises dies with it."""
        self._process.kill()

    def terminate(self, seconds: float = 40) -> int:
        """SIGTERM; the exit code."""
        return self._process.terminate(seconds)

    def exit_code(self, seconds: float) -> int | None:
        """The code with which it ends by itself; None if it still runs after that time."""
        end = time.monotonic() + seconds
        while self.alive and time.monotonic() < end:
            time.sleep(0.05)
        return None if self.alive else self._process.returncode

    def pause(self) -> None:
        """SIGSTOP, of what it supervises if it does."""
        self._signal(psutil.Process.suspend)

    def resume(self) -> None:
        """Undo ``pause``."""
        if self.alive:
            self._signal(psutil.Process.resume)

    def kill_child(self) -> None:
        """SIGKILL of what it supervises, if that lives."""
        if len(self.pids) > 1:
            self._signal(psutil.Process.kill)

    def health(self, path: str = "/readyz") -> tuple[int, Mapping[str, Any]]:
        """Status and failures of ``/readyz`` or ``/healthz``; status 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.origin}{path}", timeout=5) as answer:
                return answer.status, json.load(answer)["failures"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["failures"]
        except OSError:
            return 0, {}

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.origin}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return 0.0
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def _signal(self, send: Callable[[psutil.Process], None]) -> None:
        for pid in self.pids[1:] or self.pids:
            try:
                send(psutil.Process(pid))
            except psutil.NoSuchProcess:
                continue
