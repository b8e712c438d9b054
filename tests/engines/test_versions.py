"""ClickHouse's versions: one range everywhere; its oldest passes the store's tests, and what is older is refused.

The newest of the range is the one that all other tests run on.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from schema.errors import ConfigError
from schema.store.versions import NEWEST, OLDEST, check_version, supported
from tests.engines.wheels import environment_with_engine
from tests.harness.deployment import environment_with
from tests.servers.docker import CLICKHOUSE_IMAGE
from tests.servers.process import Unavailable

ROOT = Path(__file__).parents[2]
STORE_TESTS = ("store_embedded", "local_log", "rollups", "deletes", "query_scalars")
MIGRATE = """
import sys
from pathlib import Path
from schema.store import EmbeddedEngine, Store
from schema.store.migrate import migrate

migrate(Store(EmbeddedEngine(Path(sys.argv[1]))))
"""
NEWEST_TEXT = "{}.{}".format(*NEWEST)


def with_engine(name: str, settings: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of a process on another engine. Skips where its wheel cannot be had, which fails in CI."""
    try:
        return environment_with_engine(name, environment_with(settings or {}))
    except Unavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def test_one_tag_everywhere() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    tag = f"clickhouse/clickhouse-server:{NEWEST_TEXT}"
    assert (compose["services"]["clickhouse"]["image"], CLICKHOUSE_IMAGE) == (tag, tag)
    assert version("chdb-core").startswith(f"{NEWEST_TEXT}.")
    assert supported() in (ROOT / "docs" / "delivery.md").read_text()
    assert supported().removeprefix("versions ") in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("older", ["25.8.2.1", "26.1.2.1", "24.12", "", "unknown"])
def test_what_is_older_is_refused(older: str) -> None:
    with pytest.raises(ConfigError, match=rf"ClickHouse {older} is too old.*{supported()}"):
        check_version(older)


@pytest.mark.parametrize("number", [OLDEST, NEWEST, (NEWEST[0], NEWEST[1] + 1), (NEWEST[0] + 1, 1)])
def test_what_is_newer_is_tried(number: tuple[int, int]) -> None:
    check_version("{}.{}.4.1".format(*number))


def test_a_real_engine_that_is_older_is_not_migrated(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MIGRATE, str(tmp_path)]
    environment = with_engine("refused")
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert re.search(rf"ConfigError: ClickHouse 25\.8\.\S+ is too old .*{supported()}", done.stderr), done.stderr


def test_the_store_on_the_oldest() -> None:
    files = [f"tests/integration/test_{name}.py" for name in STORE_TESTS]
    environment = with_engine("oldest")
    said = "import chdb; print(chdb.connect(':memory:').query('SELECT version()', 'TSV').bytes().decode())"
    engine = subprocess.run([sys.executable, "-c", said], env=environment, capture_output=True, text=True, timeout=60)
    assert engine.stdout.startswith("{}.{}.".format(*OLDEST)), engine.stderr
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-6000:]
