from __future__ import annotations

import subprocess
import sys

MEBIBYTES = 600
PARENT = f"""
import subprocess, sys
large = bytearray({MEBIBYTES} << 20)
large[::4096] = b"x" * len(large[::4096])
child = "from tests.harness.peak_memory import peak_mebibytes; print(peak_mebibytes())"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True).stdout)
"""


def test_a_parents_peak_is_not_its_childs() -> None:
    """The fuzzers' bounds failed in whole runs of the suite, where pytest itself is larger than they allow."""
    told = subprocess.run([sys.executable, "-c", PARENT], capture_output=True, text=True, check=True).stdout
    assert 0 < int(told) < MEBIBYTES // 2
