"""PostgreSQL comes up, keeps what was committed over a crash, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.servers.choice import Postgres
from tests.servers.postgres import PostgresServer
from tests.servers.process import Unavailable

pytest_plugins = ["tests.servers.fixtures"]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[PostgresServer]:
    try:
        with PostgresServer(tmp_path / "log") as server:
            yield server
    except Unavailable as error:
        pytest.skip(str(error))


def test_the_url_is_for_sqlalchemy(postgres: Postgres) -> None:
    engine = sa.create_engine(postgres.url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 'é' || 1")).scalar_one() == "é1"
    engine.dispose()


def test_what_was_committed_survives_a_crash(own: PostgresServer) -> None:
    run(own, "CREATE TABLE t AS SELECT 7 AS a")
    own.kill()
    with pytest.raises(sa.exc.OperationalError):
        run(own, "SELECT 1")
    own.start()
    assert run(own, "SELECT a FROM t") == 7
    assert own.stop() == 0
    own.start()
    assert run(own, "SELECT a FROM t") == 7


def test_its_directory_goes_at_the_end(own: PostgresServer) -> None:
    directory = Path(run(own, "SHOW data_directory"))
    assert directory.exists()
    own.__exit__(None, None, None)
    assert not directory.parent.exists()


def run(server: PostgresServer, sql: str) -> Any:
    """Commits; returns the first value, if there is one."""
    with sa.create_engine(server.url, poolclass=sa.NullPool).begin() as connection:
        result = connection.execute(sa.text(sql))
        return result.scalar_one() if result.returns_rows else None
