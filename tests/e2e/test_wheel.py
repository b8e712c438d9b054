"""A wheel, installed as the README says: nothing that runs is missing from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.deployment import ROOT, is_ready
from tests.servers.process import Process, free_port

SOURCES = ("schema", "ingest", "query", "deploy", "pyproject.toml", "setup.py", "README.md", "LICENSE")
REVISION = "0123abc"
UV = Path(sys.executable).parent / "uv"
SECONDS = 500


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's lines were run, up to the last, which does not end."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    block = re.search(r"^```sh\n(pip wheel .*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block
    *lines, last = block[1].splitlines()
    assert last == "eventide-venv/bin/eventide up"
    if UV.exists():  # a tenth of pip's time
        lines = [line.replace("eventide-venv/bin/pip", f"{UV} pip") for line in lines]
    own = {"EVENTIDE_REVISION": REVISION, "VIRTUAL_ENV": str(folder / "eventide-venv"), "UV_SYSTEM_CERTS": "1"}
    done = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        env=bare() | own,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    for name in ("schema", "ingest", "query", "deploy"):
        shutil.rmtree(folder / name)
    return folder


@pytest.fixture(scope="module")
def origin(installed: Path) -> Iterator[str]:
    """Where ``eventide up`` of the wheel listens."""
    port = str(free_port())
    settings = bare() | {"EVENTIDE_PORT": port, "EVENTIDE_FILES_PORT": str(free_port())}
    up = Process(["eventide-venv/bin/eventide", "up"], installed / "up.log", env=settings, cwd=installed)
    up.start()
    up.wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), 60)
    yield f"http://127.0.0.1:{port}"
    up.terminate()


def bare() -> dict[str, str]:
    """This process's environment without settings, or modules of this tree."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("EVENTIDE_", "PYTHON"))}


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_it_knows_the_revision_that_it_was_built_from(installed: Path, origin: str) -> None:
    command = [str(installed / "eventide-venv/bin/eventide"), "--version"]
    said = subprocess.run(command, env=bare(), cwd=installed, capture_output=True, text=True, check=True).stdout
    assert f"(revision {REVISION}, " in said
    assert f'revision="{REVISION}"' in fetched(f"{origin}/metrics")


def test_it_has_the_page_and_the_documentation(origin: str) -> None:
    index = fetched(f"{origin}/")
    names = re.findall(r'(?:src|href)="(/?page/[^"]+)"', index)
    assert len(names) > 1
    assert all(fetched(f"{origin}/{name.lstrip('/')}") for name in names)
    assert "events.add_batch" in fetched(f"{origin}/docs")


def test_what_is_written_can_be_read(installed: Path, origin: str) -> None:
    """With the credentials of ``eventide env``, and with all migrations."""
    lines = (installed / "up.log").read_text().partition("In another terminal")[2].splitlines()
    block = "\n".join(line for line in lines if line.startswith(("TASK=", "for ", "curl ")))
    pasted = f'eval "$(eventide-venv/bin/eventide env)"\n{block}'
    said = subprocess.run(
        ["bash", "-euc", pasted], env=bare(), cwd=installed, capture_output=True, text=True, check=True
    ).stdout
    answers = re.findall(r'\{"meta".*?\}(?=\{"meta"|$)', said)
    assert json.loads(answers[-1])["data"]["loss"]["train"]["x"] == [1, 2, 3, 4, 5]
