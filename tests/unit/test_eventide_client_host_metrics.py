"""``ingest/client/eventide_client/host_metrics.py``: a machine and its GPUs, and nothing where there are none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from eventide_client import gpu_metrics, host_metrics
from eventide_client.gpu_metrics import Gpus, parsed
from eventide_client.host_metrics import Host, HostMonitor
from tests.servers.looks import look


def test_this_machine() -> None:
    host = Host()
    time.sleep(0.05)
    found = host.read()
    assert 0 <= found["cpu_usage"] <= 100
    assert found["memory_used_gb"] + found["memory_free_gb"] == pytest.approx(
        psutil.virtual_memory().total / host_metrics.GB, rel=0.01
    )
    assert 0 < found["process_memory_gb"] < found["memory_used_gb"]
    assert found["network_rx_mbs"] >= 0
    assert found["disk_free_gb"] > 0


def test_gpus_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / gpu_metrics.PROGRAM
    program.write_text("#!/bin/sh\necho '0, 93, 2048, 24576, 61, 250.5'\necho '1, 0, 0, 24576, 30, [N/A]'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = Gpus().read()
    assert found["gpu_0_utilization"] == 93
    assert found["gpu_0_mem_used_gb"] == 2
    assert found["gpu_1_temperature"] == 30
    assert "gpu_1_power_watts" not in found
    program.write_text("#!/bin/sh\nexit 9\n")
    assert Gpus().read() == {}


def test_what_is_no_table_has_no_values() -> None:
    assert parsed("No devices were found\n") == {}


def test_it_reports_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_metrics, "SECONDS", 0.01)
    reports: list[Mapping[str, float]] = []
    monitor = HostMonitor(lambda values, _: reports.append(values), is_named=True)
    deadline = time.monotonic() + 10
    while not look(lambda: bool(reports), 0.01):
        assert time.monotonic() < deadline
    monitor.stop()
    assert all(key.startswith(":monitor:") and key.endswith(")") for key in reports[0])
