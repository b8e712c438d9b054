"""``deploy/libraries.py``: libraries are told what they must know before they are loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

import pytest

NAME = "ARROW_DEFAULT_MEMORY_POOL"
SCRIPT = """
import os, sys
from deploy import __main__
assert "pyarrow" not in sys.modules
__main__.prepare_libraries(sys.argv[1], os.environ)
import pyarrow
"""
POOL = "print(pyarrow.default_memory_pool().backend_name)"
LOADED = "print(pyarrow.array(['a list'])[0], 'pandas' in sys.modules)"


def said_by(command: str, question: str, environment: Mapping[str, str]) -> str:
    own = {name: value for name, value in os.environ.items() if name != NAME} | dict(environment)
    return subprocess.check_output([sys.executable, "-c", SCRIPT + question, command], env=own, text=True).strip()


@pytest.mark.parametrize(("command", "is_system"), [("gateway", True), ("worker", False), ("up", False)])
def test_only_a_gateway_gives_memory_back_to_the_system(command: str, is_system: bool) -> None:
    assert (said_by(command, POOL, {}) == "system") == is_system


def test_whoever_runs_it_may_choose_another_pool() -> None:
    assert said_by("gateway", POOL, {NAME: "mimalloc"}) == "mimalloc"


@pytest.mark.parametrize("command", ["gateway", "worker-process", "up"])
def test_arrow_makes_arrays_of_lists_without_loading_pandas(command: str) -> None:
    assert said_by(command, LOADED, {}) == "a list False"


@pytest.mark.parametrize(
    ("module", "others"),
    [("deploy.gateway", ("query", "clickhouse_connect")), ("deploy.query", ("ingest.app", "aiokafka"))],
)
def test_a_tier_loads_nothing_of_the_other(module: str, others: Sequence[str]) -> None:
    script = f"import sys, {module}; print([name for name in {others} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"
