"""Tests bear the same names in each process: xdist runs none if two of its workers collected different names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.harness.deployment import ROOT

COLLECT = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]


def test_another_process_at_another_time_collects_the_same_names(request: pytest.FixtureRequest) -> None:
    names = {item.nodeid for item in request.session.items}
    environment = os.environ | {"PYTHONHASHSEED": "20261130"}  # this process has a random one
    command = [*COLLECT, *request.config.args]
    collected = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert sorted(names - set(collected.stdout.splitlines())) == []
