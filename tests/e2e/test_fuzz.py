"""The fuzzers, each for a while, from a seed that is printed: a minute in CI, else some seconds."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.harness.deployment import ROOT

SEED = os.environ.get("SEED", "1")  # the same in each run, so that CI fails for what was changed; `make fuzz` goes on
SECONDS = 60 if os.environ.get("CI") else 8
ENDING_SECONDS = 300  # on a busy machine, with a start, and a first round that is whole


def fuzzed(*arguments: str) -> str:
    """What a fuzzer said, which must end well."""
    command = [sys.executable, "-m", *arguments, "--seconds", str(SECONDS)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + ENDING_SECONDS, check=False
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said[-10_000:]
    return said


def test_every_endpoint_answers_or_refuses() -> None:
    said = fuzzed("tests.fuzz.api", "--seed", SEED)
    (count,) = re.findall(r"^seed \d+: (\d+) requests", said, re.MULTILINE)
    assert int(count) > 500


@pytest.mark.parametrize("options", [(), ("--without-coverage",)], ids=["coverage", "mutation"])
def test_every_parser_takes_or_refuses(options: tuple[str, ...]) -> None:
    said = fuzzed("tests.fuzz.parsers", *options)
    (count,) = re.findall(r"Done (\d+) runs|: (\d+) inputs", said)
    assert int("".join(count)) > 1000
