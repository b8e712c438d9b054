"""``eventide export``: how fast a project becomes Parquet, and what memory that takes of server and command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import resident_mb, send_all, settle
from tests.bench.measure import Figure
from tests.bench.reference import ARROW, column_bodies
from tests.harness.deployment import ROOT

PROJECT = "to be exported"
TASKS, PER_REQUEST, REQUESTS = 4, 50_000, 200  # 10 M points
GOAL_RATE = 250e6 / 300  # 250 M points in 5 minutes
LOOK_SECONDS = 0.05


def measure(bench: Bench) -> None:
    """Long curves of few tasks, whose tables are larger than any buffer."""
    requests = bench.times(REQUESTS)
    with one_process({"HELD_POINTS": "0"}) as service:
        _fill(service, requests)
        (pid,) = service.pids("up")
        before = resident_mb(pid)
        counted, seconds, peaks = _export(service, pid)
    assert counted["points"] == requests * PER_REQUEST
    bench.results.add(Figure("export to Parquet", counted["points"] / seconds, "points/s", GOAL_RATE))
    bench.results.add(Figure("memory that the server takes more of meanwhile", peaks[0] - before, "MB", 100))
    bench.results.add(Figure("memory of the command", peaks[1], "MB"))


def _fill(service: Service, requests: int) -> None:
    project = service.api.call("projects.create", name=PROJECT)["id"]
    tasks = [service.api.create_task(f"task {number}", project=project) for number in range(TASKS)]
    send_all(service.clients(2), column_bodies(tasks, PER_REQUEST, requests), ARROW, tasks=tasks)
    settle(service.pids("up"))


def _export(service: Service, server: int) -> tuple[dict[str, Any], float, tuple[float, float]]:
    """Return the counts, the seconds of the whole command, and the largest memory of server and command (MB)."""
    keys = service.deployment.credentials
    own = {"CLEARML_API_HOST": service.deployment.origins.gateway, "CLEARML_API_ACCESS_KEY": keys.access_key}
    own |= {"CLEARML_API_SECRET_KEY": keys.secret_key}
    out = Path(service.directory) / "out"
    command = [sys.executable, "-m", "deploy", "export", "--project", PROJECT, "--out", str(out), "--json"]
    began = time.perf_counter()
    with subprocess.Popen(command, env=os.environ | own, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        peaks = Peaks((server, process.pid), lambda: process.poll() is not None)
        said = process.communicate()[0]
    seconds = time.perf_counter() - began
    assert process.returncode == 0
    return json.loads(said), seconds, peaks.found()


class Peaks(threading.Thread):
    """A look at the memory of two processes, again and again until ``is_over``."""

    def __init__(self, pids: tuple[int, int], is_over: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self._processes = [psutil.Process(pid) for pid in pids]
        self._is_over = is_over
        self._largest = [0, 0]
        self.start()

    def run(self) -> None:
        while not self._is_over():
            for number, process in enumerate(self._processes):
                try:
                    self._largest[number] = max(self._largest[number], process.memory_info().rss)
                except psutil.Error:  # it ends
                    return
            time.sleep(LOOK_SECONDS)

    def found(self) -> tuple[float, float]:
        """MB of each."""
        self.join()
        return self._largest[0] / 1e6, self._largest[1] / 1e6
