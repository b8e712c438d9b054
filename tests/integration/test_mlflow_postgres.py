"""MLflow's tracking store in PostgreSQL -> parts of runs."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ingest.importers.records import UnreadableSource
from tests.harness.import_samples import curves, details, parts_of
from tests.servers.postgres import PostgresServer
from tests.servers.process import Unavailable

# What the store of MLflow 3.17 has, as far as it is read.
STORE = """
CREATE TABLE experiments (experiment_id integer PRIMARY KEY, name varchar(256));
CREATE TABLE runs (run_uuid varchar(32) PRIMARY KEY, name varchar(250), status varchar(9), start_time bigint,
    end_time bigint, lifecycle_stage varchar(20), artifact_uri varchar(200), experiment_id integer);
CREATE TABLE metrics (key varchar(250), value double precision, timestamp bigint, run_uuid varchar(32), step bigint,
    is_nan boolean);
CREATE TABLE params (key varchar(250), value varchar(8000), run_uuid varchar(32));
CREATE TABLE tags (key varchar(250), value varchar(8000), run_uuid varchar(32));
INSERT INTO experiments VALUES (1, 'exp');
INSERT INTO runs VALUES ('r1', 'one', 'FAILED', 1000, 2000, 'active', '', 1);
INSERT INTO metrics VALUES ('a/b', 0.5, 10, 'r1', 0, false), ('a/b', 0.25, 11, 'r1', 1, false),
    ('a/b', 0.75, 12, 'r1', 1, false);
INSERT INTO params VALUES ('lr', '0.1', 'r1');
INSERT INTO tags VALUES ('team', 'x', 'r1');
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with PostgresServer(tmp_path_factory.mktemp("postgres") / "log") as server:
            with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
                connection.execute(STORE.encode())
            yield server.url
    except Unavailable as error:
        pytest.skip(str(error))


def test_a_store_is_read_whole(url: str) -> None:
    parts = parts_of(url)
    assert curves(parts) == {("a", "b"): [(0, 0.5), (1, 0.75)]}
    about = details(parts)
    assert (about.config, about.tags, about.status, about.ended) == ({"lr": "0.1"}, ["team:x"], "failed", 2000)


def test_a_server_that_is_away_says_so() -> None:
    with pytest.raises(UnreadableSource, match="MLflow database: "):
        parts_of("postgresql://nobody@127.0.0.1:1/nothing")
