"""The README's blocks, pasted whole and in their order into a shell that was just opened."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.harness.api import Data
from tests.harness.deployment import ROOT, is_ready
from tests.servers.process import Process, free_port

README = (ROOT / "README.md").read_text()
FIRST, LAST = "## A first run", "## How it scales"
END_OF_BLOCK = "-- end of block --"
SECONDS = 400


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder like that of the README after ``make up``, which runs there on ports that are free."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / ".venv").symlink_to(sys.prefix)
    port = str(free_port())
    ports = {"EVENTIDE_PORT": port, "EVENTIDE_FILES_PORT": str(free_port())}
    up = Process([".venv/bin/eventide", "up"], folder / "up.log", env=fresh(folder) | ports, cwd=folder)
    up.start()
    up.wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), 60)
    yield folder
    up.terminate()


def fresh(folder: Path) -> dict[str, str]:
    """The environment of a terminal that was just opened; pip's index is the machine's."""
    kept = ("PATH", "LANG", "PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": str(folder)}


@pytest.fixture(scope="module")
def outputs(home: Path) -> list[str]:
    """What each block printed. The first command that fails ends them all."""
    section = README.partition(FIRST)[2].partition(LAST)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    pasted = "".join(f"{block}\necho; echo {END_OF_BLOCK}\n" for block in blocks)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", pasted],
        env=fresh(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(f"\n{END_OF_BLOCK}\n")[:-1]


def answers(output: str) -> list[Data]:
    """The data of the answers in an output."""
    decoder, found, rest = json.JSONDecoder(), [], output.strip()
    while rest:
        answer, end = decoder.raw_decode(rest)
        found.append(answer["data"])
        rest = rest[end:].strip()
    return found


def test_every_block_that_is_run_can_be_pasted() -> None:
    """Placeholders in angle brackets are redirections to a shell."""
    blocks = re.findall(r"^```sh\n(.*?)^```$|^((?:    .*\n)+)", README, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in "".join(block).splitlines() if "─" not in line]
    assert len(lines) > 50
    assert [line for line in lines if re.search(r"<[a-z][a-z ]*>", line)] == []


def test_the_first_run(outputs: list[str], home: Path) -> None:
    """It says nothing, as all was sent: no spool is left."""
    assert outputs[0].strip() == ""
    assert list((home / ".eventide" / "spool").iterdir()) == []


def test_the_first_batch(outputs: list[str]) -> None:
    added, curve = answers(outputs[1])
    assert added == {"added": 3, "errors": 0, "errors_info": {}}
    assert curve["loss"]["train"] == {"name": "train", "x": [0, 1], "y": [0.8999999761581421, 0.699999988079071]}


def test_values_as_they_were_sent(outputs: list[str]) -> None:
    (raw,) = answers(outputs[2])
    assert raw["variants"]["train"]["y"] == [0.9, 0.7]


def test_columns_instead_of_lines(outputs: list[str]) -> None:
    assert outputs[3].splitlines()[-1] == "{'added': 100000, 'errors': 0, 'errors_info': {}}"


def test_the_sdk(outputs: list[str]) -> None:
    (scalars,) = (line for line in outputs[4].splitlines() if line.startswith("{'loss'"))
    assert "'train'" in scalars
    assert "'x': [0" in scalars


def test_the_blocks_are_these(outputs: list[str], home: Path) -> None:
    """No block is left untested, and none was run against something else."""
    assert len(outputs) == 5
    port: Mapping[str, str] = json.loads((home / "eventide-data" / "addresses.json").read_text())
    assert port["api"] in outputs[4]
