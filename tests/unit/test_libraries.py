"""``deploy/__main__.py``: libraries are told what they must know before they are loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

NAME = "ARROW_DEFAULT_MEMORY_POOL"
SCRIPT = """
import os, sys
from deploy.__main__ import tell_libraries
assert "pyarrow" not in sys.modules
tell_libraries(sys.argv[1], os.environ)
import pyarrow
print(pyarrow.default_memory_pool().backend_name)
"""


def pool_of(command: str, environment: Mapping[str, str]) -> str:
    own = {name: value for name, value in os.environ.items() if name != NAME} | dict(environment)
    return subprocess.check_output([sys.executable, "-c", SCRIPT, command], env=own, text=True).strip()


@pytest.mark.parametrize(("command", "is_system"), [("gateway", True), ("worker", False), ("up", False)])
def test_only_a_gateway_gives_memory_back_to_the_system(command: str, is_system: bool) -> None:
    assert (pool_of(command, {}) == "system") == is_system


def test_whoever_runs_it_may_choose_another_pool() -> None:
    assert pool_of("gateway", {NAME: "mimalloc"}) == "mimalloc"
