"""The conformance tests once more, against gateway, worker and query service as processes of their own.

By default those files whose subject differs when distributed: any sequence of writes, overwrites, deletes and reads
(test_stateful), deletes, which go through Kafka; statistics, which the tiers share; and every read once (test_tenants).
Behind nginx those about odd requests, other pages and limits; test_hostile_requests, which takes minutes, is not among
them. With EVENTIDE_TEST_ALL=1 all of them, as does by hand: EVENTIDE_TEST_MODE=fronted pytest tests/conformance
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.choice import Kafka
from tests.servers.nginx import find_nginx

ROOT = Path(__file__).parents[2]
CONFORMANCE = Path("tests/conformance")
WHAT_DIFFERS = {
    "distributed": ["deletes", "stateful", "statistics", "tenants"],
    "fronted": ["cross_site", "http", "limits", "odd_requests"],
}
MINUTES = 15


@pytest.mark.skipif(os.environ.get("EVENTIDE_TEST_MODE", "embedded") != "embedded", reason="this run is such already")
@pytest.mark.parametrize("mode", WHAT_DIFFERS)
def test_the_distributed_service_conforms(kafka: Kafka, mode: str) -> None:
    if mode == "fronted" and not find_nginx():
        pytest.skip("nginx is not installed")
    files = [CONFORMANCE / f"test_{name}.py" for name in WHAT_DIFFERS[mode]]
    chosen = [CONFORMANCE] if os.environ.get("EVENTIDE_TEST_ALL") else files
    environment = os.environ | {"EVENTIDE_TEST_MODE": mode, "EVENTIDE_TEST_KAFKA": kafka.bootstrap}
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", *map(str, chosen)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=MINUTES * 60, check=False
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
