"""The conformance tests once more, against gateway, worker and query service as processes of their own.

By default those files whose subject differs when distributed: any sequence of writes, overwrites, deletes and reads
(test_stateful), deletes, which go through Kafka; statistics, which the tiers share; and every read once (test_tenants).
With EVENTIDE_TEST_ALL=1 all of them, as does by hand: EVENTIDE_TEST_MODE=distributed pytest tests/conformance
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.choice import Kafka

ROOT = Path(__file__).parents[2]
CONFORMANCE = Path("tests/conformance")
WHAT_DIFFERS = ["deletes", "stateful", "statistics", "tenants"]
MINUTES = 15


@pytest.mark.skipif(os.environ.get("EVENTIDE_TEST_MODE") == "distributed", reason="this run is distributed already")
def test_the_distributed_service_conforms(kafka: Kafka) -> None:
    files = [CONFORMANCE / f"test_{name}.py" for name in WHAT_DIFFERS]
    chosen = [CONFORMANCE] if os.environ.get("EVENTIDE_TEST_ALL") else files
    environment = os.environ | {"EVENTIDE_TEST_MODE": "distributed", "EVENTIDE_TEST_KAFKA": kafka.bootstrap}
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", *map(str, chosen)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=MINUTES * 60, check=False
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
