"""Eventide's client in a process of its own: what a call of ``log`` takes, and what a value costs in all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from tests.bench.bench import Bench, Service, one_process
from tests.bench.measure import Figure, percentile
from tests.harness.deployment import ROOT

VALUES = 50
PAUSE_SECONDS = 0.001  # of a training between two steps


def measure(bench: Bench) -> None:
    """A training that logs 50 values a step, each ms, and one that logs as fast as it can."""
    with one_process() as service:
        steady = _train(service, bench.times(5000), PAUSE_SECONDS)
        fast = _train(service, bench.times(20_000), 0.0)
    bench.results.add(Figure("log() of 50 values, p50", steady["p50"], "us", 10))
    bench.results.add(Figure("log() of 50 values, p99", steady["p99"], "us"))
    bench.results.add(Figure("log() of 50 values without a pause, p50", fast["p50"], "us", 10))
    bench.results.add(Figure("CPU a value, until the server has it", steady["cpu"], "us", 2))
    bench.results.add(Figure("the same without a pause", fast["cpu"], "us", 2))
    bench.results.add(Figure("values until the server has them", fast["rate"], "values/s"))


def _train(service: Service, steps: int, pause_seconds: float) -> dict[str, float]:
    keys = service.deployment.credentials
    own = {"CLEARML_API_ACCESS_KEY": keys.access_key, "CLEARML_API_SECRET_KEY": keys.secret_key}
    own |= {"EVENTIDE_API": service.deployment.origins.gateway, "EVENTIDE_SPOOL": str(service.directory / "spool")}
    command = [sys.executable, "-m", "tests.bench.client", str(steps), str(pause_seconds)]
    said = subprocess.run(command, env=os.environ | own, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    measured: dict[str, Any] = json.loads(said)
    stored = service.api.task(measured.pop("task"))["last_metrics"]
    assert sum(len(variants) for variants in stored.values()) == VALUES
    return measured


def train(steps: int, pause_seconds: float) -> dict[str, Any]:
    """Log, and say what that took: of the calls in µs, of a value in µs of this process's CPU, and in all a second."""
    import eventide_client  # its import is not measured

    run = eventide_client.start("bench", "client", monitors=False)
    taken, began, cpu = [], time.perf_counter(), time.process_time()
    for step in range(steps):
        values = {f"group {number % 5}/value {number}": step / (number + 3) for number in range(VALUES)}
        at = time.perf_counter_ns()
        run.log(values, step)
        taken.append((time.perf_counter_ns() - at) / 1000)
        if pause_seconds:
            time.sleep(pause_seconds)
    assert run.finish()
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - began
    return {
        "task": run.id,
        "p50": percentile(taken, 50),
        "p99": percentile(taken, 99),
        "cpu": (cpu - _cost_of_the_loop(steps, pause_seconds)) / steps / VALUES * 1e6,
        "rate": steps * VALUES / seconds,
    }


def _cost_of_the_loop(steps: int, pause_seconds: float) -> float:
    """Return the CPU seconds of the same loop without ``log``."""
    began = time.process_time()
    for step in range(steps):
        _ = {f"group {number % 5}/value {number}": step / (number + 3) for number in range(VALUES)}
        time.perf_counter_ns()
        if pause_seconds:
            time.sleep(pause_seconds)
    return time.process_time() - began


if __name__ == "__main__":
    print(json.dumps(train(int(sys.argv[1]), float(sys.argv[2]))))
