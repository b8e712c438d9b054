"""clickhouse-connect finds in `clickhouse_http` what it finds in a ClickHouse server; faults strike as armed."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import clickhouse_connect
import numpy as np
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from tests.harness.api import until
from tests.servers.clickhouse import ClickHouseServer

pytest_plugins = ["tests.servers.fixtures"]

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)"
ALL_TYPES = """CREATE TABLE t (id UInt64, s String, lc LowCardinality(String), i Int64, f Float64, ts DateTime64(3),
    a Array(Float64), m Map(String, String), n Nullable(Int64), j String) ENGINE = MergeTree ORDER BY id"""
TS = datetime.fromisoformat("2026-11-23T12:00:00.123")
ROWS = [
    (2**64 - 1, "é\n\t'\0", "x", -(2**63), math.inf, TS, [1.5, -0.0], {"k": "v"}, None, '{"a":[1]}'),
    (1, "", "y", 2**63 - 1, -math.inf, TS, [], {}, 5, "{}"),
]


def connect(server: ClickHouseServer, **options: Any) -> Client:
    return clickhouse_connect.get_client(dsn=server.url, **options)


def ask(server: ClickHouseServer, path: str = "/", body: bytes | None = None, **values: Any) -> tuple[int, Any, bytes]:
    """Status, headers and body of a plain HTTP request."""
    url = f"http://127.0.0.1:{server.port}{path}?{urllib.parse.urlencode(values)}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def code_of(call: Callable[..., Any], *args: Any, **options: Any) -> int | None:
    """The number of the error that ClickHouse answers."""
    with pytest.raises(DatabaseError) as info:
        call(*args, **options)
    return info.value.code


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def runs(client: Client, query_id: str) -> bool:
    sql = "SELECT count() FROM system.processes WHERE query_id = {id:String}"
    return client.command(sql, parameters={"id": query_id}) == 1


@pytest.fixture
def server(clickhouse_local: ClickHouseServer) -> ClickHouseServer:
    clickhouse_local.clear_faults()
    return clickhouse_local


@pytest.fixture
def client(server: ClickHouseServer) -> Iterator[Client]:
    with connect(server) as client:
        client.command("DROP TABLE IF EXISTS t")
        yield client


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ClickHouseServer]:
    with ClickHouseServer(tmp_path) as server:
        yield server


def test_the_shared_server_takes_arrow(clickhouse_server: ClickHouseServer) -> None:
    with connect(clickhouse_server) as client:
        client.command("CREATE TABLE arrow (a Int64) ENGINE = MergeTree ORDER BY a")
        assert client.insert_arrow("arrow", pa.table({"a": range(1000)})).written_rows == 1000
        assert client.query_arrow("SELECT sum(a) AS s FROM arrow")["s"].to_pylist() == [499_500]
        client.command("DROP TABLE arrow")


@pytest.mark.parametrize("compress", [True, False, "lz4", "zstd", "gzip"])
def test_every_type_goes_round(server: ClickHouseServer, client: Client, compress: Any) -> None:
    client.command(ALL_TYPES)
    with connect(server, compress=compress) as user:
        done = user.insert("t", [*ROWS, (3, "", "x", 0, math.nan, TS, [math.nan], {}, None, "")])
        assert done.written_rows == 3
        got = user.query("SELECT * FROM t ORDER BY id")
        assert [row for row in got.result_rows if row[0] != 3] == sorted(ROWS)
        assert math.isnan(got.result_rows[1][4])
        assert math.isnan(got.result_rows[1][6][0])
        assert (got.summary["read_rows"], got.summary["result_rows"]) == ("3", "3")
        assert user.query_np("SELECT i FROM t ORDER BY id").tolist()[0] == [2**63 - 1]
        with user.query_row_block_stream("SELECT number FROM numbers(200000)") as blocks:
            assert sum(len(block) for block in blocks) == 200_000
        assert user.query("SELECT id FROM t WHERE id = 77").result_rows == []
        assert user.query("SELECT id, lc FROM t LIMIT 0").column_names == ("id", "lc")


@pytest.mark.parametrize("compress", [True, False])
def test_every_form_of_insert(server: ClickHouseServer, client: Client, compress: bool) -> None:
    client.command("CREATE TABLE t (id Int64, `values` Array(Float64), format String) ENGINE = MergeTree ORDER BY id")
    n = 100_000
    data = pa.table({"id": np.arange(n), "values": [[float(i)] for i in range(n)], "format": ["\n; x"] * n})
    with connect(server, compress=compress) as user:
        assert user.insert_arrow("t", data).written_rows == n
        assert user.raw_insert("t", insert_block=b'{"id":-1}\n{"id":-2}\n', fmt="JSONEachRow").written_rows == 2
        assert user.raw_insert("t", ["id"], "-3\n-4\n", fmt="CSV").written_rows == 2
        assert user.raw_insert("t", ["id"], (line for line in (b"-5\n", b"-6\n")), fmt="TSV").written_rows == 2
        user.command("INSERT INTO t (id, format) VALUES (-7, 'a\nb;'), (-8, '')")
        user.command("INSERT INTO t (id) SELECT -8 - {n:Int64}", parameters={"n": 1})
    whole = client.command("SELECT count(), sum(`values`[1]), uniq(_part) FROM t WHERE id >= 0")
    assert whole == ["100000", "4999950000", "1"]
    assert client.command("SELECT count() FROM t WHERE id < 0") == 9


def test_parameters_are_not_sql(server: ClickHouseServer, client: Client) -> None:
    text = "a\\b'\n\t{x:String}; SELECT 1"
    answer = client.query("SELECT {x:String}, {y:Array(Int64)}", parameters={"x": text, "y": [1, 2]})
    assert answer.first_row == (text, [1, 2])
    with connect(server, form_encode_query_params=True) as user:
        assert user.query("SELECT {x:String}", parameters={"x": text * 5000}).first_row == (text * 5000,)


def test_database_and_settings(server: ClickHouseServer, client: Client) -> None:
    client.command("CREATE DATABASE IF NOT EXISTS other")
    client.command("CREATE OR REPLACE TABLE other.o ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a")
    with connect(server, database="other", settings={"max_threads": 1}) as user:
        assert user.command("SELECT a, currentDatabase(), getSetting('max_threads') FROM o") == ["1", "other", "1"]
        assert user.command("SELECT getSetting('max_threads')", settings={"max_threads": 3}) == 3
    assert code_of(client.query, "SELECT sleep(3)", settings={"max_execution_time": 1}) == 159
    assert code_of(client.command, "CREATE TABLE no (a Int8) ENGINE = Memory", settings={"readonly": 1}) == 164
    assert ask(server, body=b"SELECT 1", database="nope")[1]["X-ClickHouse-Exception-Code"] == "81"


def test_deduplication_tokens(client: Client) -> None:
    settings = "non_replicated_deduplication_window = 100, fsync_after_insert = 1"
    client.command(f"CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a SETTINGS {settings}")
    for token in ("one", "one", "two"):
        options = {"insert_deduplication_token": token, "async_insert": 1, "wait_for_async_insert": 1}
        client.insert("t", [[1]], ["a"], settings=options)
    assert client.command("SELECT count() FROM t") == 2


@pytest.mark.parametrize(
    ("sql", "code", "name", "status"),
    [
        ("SELECT * FROM nope", 60, "UNKNOWN_TABLE", 404),
        ("SELEC 1", 62, "SYNTAX_ERROR", 400),
        ("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR", 400),
        ("SELECT nope(1)", 46, "UNKNOWN_FUNCTION", 404),
        ("INSERT INTO nope FORMAT CSV\n1", 60, "UNKNOWN_TABLE", 404),
        ("SELECT throwIf(number = 9) FROM numbers(10)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", 500),
    ],
)
def test_errors_have_a_code_and_a_status(
    server: ClickHouseServer, client: Client, sql: str, code: int, name: str, status: int
) -> None:
    with pytest.raises(DatabaseError) as info:
        client.command(sql)
    assert (info.value.code, info.value.name) == (code, name)
    got, headers, body = ask(server, body=sql.encode())
    assert (got, headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())


def test_plain_http(server: ClickHouseServer, client: Client) -> None:
    assert ask(server, "/ping")[2] == ask(server)[2] == b"Ok.\n"
    assert ask(server, query="SELECT 1 FORMAT JSON")[1]["Content-Type"].startswith("application/json")
    assert ask(server, body=b"+ 2", query="SELECT 1")[2] == b"3\n"
    assert ask(server, body=b"SELECT {x:Int8} + 1", param_x=4, default_format="CSV")[2] == b"5\n"
    status, headers, _ = ask(server, query="CREATE TABLE t (a Int8) ENGINE = Memory")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (500, "164")
    client.command("CREATE TABLE t (a Int8) ENGINE = Memory")
    assert ask(server, body=b"1\n2\n", query="INSERT INTO t FORMAT CSV")[0] == 200
    assert client.command("SELECT count() FROM t") == 2
    assert ask(server, body=b"SELECT 1", no_such_setting=1)[1]["X-ClickHouse-Exception-Code"] == "115"


def test_kill_query_and_the_lock_of_a_session(server: ClickHouseServer, client: Client) -> None:
    with ThreadPoolExecutor(1) as pool, connect(server, session_id="mine") as user:
        query = pool.submit(user.query, ENDLESS, settings={"query_id": "slow"})
        wait_for(lambda: runs(client, "slow"))
        with connect(server, autogenerate_session_id=False) as rival:
            assert code_of(rival.query, "SELECT 1", settings={"session_id": "mine"}) == 373
        client.command("KILL QUERY WHERE query_id = 'nobody' SYNC")
        assert runs(client, "slow")
        client.command("KILL QUERY WHERE query_id = 'slow' SYNC")
        assert code_of(query.result, 5) == 394
        assert user.query("SELECT 1", settings={"query_id": "next"}).query_id == "next"


def test_a_select_ends_when_its_client_goes_away(server: ClickHouseServer, client: Client) -> None:
    with connect(server, send_receive_timeout=1) as user, pytest.raises(OperationalError):
        user.query(ENDLESS, settings={"query_id": "gone"})
    wait_for(lambda: not runs(client, "gone"))


def test_clients_do_not_wait_for_each_other(server: ClickHouseServer, client: Client) -> None:
    client.command("CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")

    def work(first: int) -> None:
        with connect(server) as user:
            for a in range(first, first + 10):
                user.insert("t", [[a]], ["a"])
                assert user.command(f"SELECT max(a) FROM t WHERE a BETWEEN {first} AND {first + 99}") == a
            user.command("SELECT sleep(2)")

    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(0, 800, 100)))
    assert client.command("SELECT uniqExact(a) FROM t") == 80
    assert time.monotonic() - started < 15  # 8 times 2 seconds, one after the other, would be 16


def test_the_async_client(server: ClickHouseServer, client: Client) -> None:
    async def main() -> None:
        async with await clickhouse_connect.get_async_client(dsn=server.url) as user:
            await user.command("CREATE TABLE t (a Int64, f Float64) ENGINE = MergeTree ORDER BY a")
            await user.insert("t", [[1, 0.5], [2, math.inf]])
            await user.insert_arrow("t", pa.table({"a": [3], "f": [1.0]}))
            assert (await user.query("SELECT * FROM t ORDER BY a")).result_rows == [(1, 0.5), (2, math.inf), (3, 1.0)]
            asked = (user.query("SELECT {n:Int64}", parameters={"n": n}) for n in range(20))
            assert [answer.first_row for answer in await asyncio.gather(*asked)] == [(n,) for n in range(20)]
            with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
                await user.query("SELECT * FROM nope")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(user.query(ENDLESS, settings={"query_id": "aio"}), 0.5)

    asyncio.run(main())
    wait_for(lambda: not runs(client, "aio"))


def test_replacing_and_aggregating_tables(client: Client) -> None:
    client.command("CREATE TABLE t (k String, v Float64, ver UInt64) ENGINE = ReplacingMergeTree(ver) ORDER BY k")
    columns = "k String, last AggregateFunction(argMax, Float64, UInt64)"
    client.command(f"CREATE OR REPLACE TABLE agg ({columns}) ENGINE = AggregatingMergeTree ORDER BY k")
    client.command("CREATE MATERIALIZED VIEW mv TO agg AS SELECT k, argMaxState(v, ver) AS last FROM t GROUP BY k")
    for row in (["a", 1.0, 1], ["a", 2.0, 3], ["a", 9.0, 2], ["b", 5.0, 1]):
        client.insert("t", [row])
    last = [("a", 2.0), ("b", 5.0)]
    assert client.query("SELECT k, v FROM t FINAL ORDER BY k").result_rows == last
    assert client.query("SELECT k, argMaxMerge(last) FROM agg GROUP BY k ORDER BY k").result_rows == last
    client.command("DELETE FROM t WHERE k = {k:String}", parameters={"k": "a"})
    assert client.query("SELECT DISTINCT k FROM t").result_rows == [("b",)]
    client.command("DROP VIEW mv")


class Faulty:
    """A table whose inserts meet faults; `rows` tells what was stored nevertheless."""

    def __init__(self, client: Client) -> None:
        self._client = client
        client.command("CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")

    def insert(self, value: int, client: Client | None = None) -> None:
        (client or self._client).insert("t", [[value]], ["a"], column_type_names=["Int64"])

    def rows(self) -> list[int]:
        return [row[0] for row in self._client.query("SELECT a FROM t ORDER BY a").result_rows]


def test_an_injected_error(server: ClickHouseServer, client: Client) -> None:
    table = Faulty(client)
    server.fault(code=252, times=2, match="insert into")
    assert [code_of(table.insert, 1), code_of(table.insert, 1)] == [252, 252]
    table.insert(1)
    server.fault(late_code=159, match="INSERT")
    assert code_of(table.insert, 2) == 159
    assert table.rows() == [1, 2]


def test_a_cut_connection(server: ClickHouseServer, client: Client) -> None:
    table = Faulty(client)
    server.fault(drop=True, match="INSERT")
    table.insert(1)  # clickhouse-connect repeats an insert once by itself: one success, two rows
    assert table.rows() == [1, 1]
    server.fault(refuse=True, match="INSERT", times=-1)
    with pytest.raises(OperationalError):
        table.insert(2)
    server.clear_faults()
    assert table.rows() == [1, 1]


def test_an_insert_goes_on_without_its_client(server: ClickHouseServer, client: Client) -> None:
    table = Faulty(client)
    server.fault(delay_ms=1500, match="INSERT", times=-1)
    with connect(server, send_receive_timeout=1) as hasty, pytest.raises(OperationalError):
        table.insert(1, hasty)
    server.clear_faults()
    assert table.rows() == []
    wait_for(lambda: 1 in table.rows())


def test_faults_from_a_file(server: ClickHouseServer, client: Client) -> None:
    table = Faulty(client)
    server.fail_file.write_text("code=241&match=INSERT\nhold_ms=10&match=INSERT\n")
    assert code_of(table.insert, 1) == 241
    assert not server.fail_file.exists()
    table.insert(2)
    assert table.rows() == [2]


def test_a_fault_must_be_known(server: ClickHouseServer) -> None:
    assert ask(server, "/__fault", nonsense=1)[0] == 400
    assert ask(server, "/__fault", code="x")[0] == 400
    assert ask(server, "/__fault")[2] == b"[]"


def test_what_was_acknowledged_survives_a_kill(own: ClickHouseServer) -> None:
    with connect(own) as client:
        settings = "fsync_after_insert = 1, fsync_part_directory = 1"
        client.command(f"CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS {settings}")
    acknowledged: list[int] = []

    def write(first: int) -> None:
        with connect(own) as user:
            for a in itertools.count(first):
                try:
                    user.insert("t", [[a]], ["a"])
                except Exception:
                    return
                acknowledged.append(a)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100_000)]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) > 10, seconds=30)
    own.kill()
    for thread in threads:
        thread.join()
    own.start()
    with connect(own) as user:
        stored = {row[0] for row in user.query("SELECT a FROM t").result_rows}
    assert stored >= set(acknowledged)
    assert 10 < len(acknowledged) <= len(stored) <= len(acknowledged) + len(threads)
    assert own.stop() == 0
    own.start()
    with connect(own) as user:
        assert user.command("SELECT uniqExact(a) FROM t") == len(stored)


def test_pause_and_orderly_stop(own: ClickHouseServer) -> None:
    own.pause()
    with pytest.raises(OperationalError):
        connect(own, send_receive_timeout=1)
    own.resume()
    with ThreadPoolExecutor(1) as pool, connect(own) as client, connect(own) as other:
        query = pool.submit(client.query, ENDLESS, settings={"query_id": "slow"})
        wait_for(lambda: runs(other, "slow"))
        started = time.monotonic()
        assert own.stop() == 0
        assert time.monotonic() - started < 5
        with pytest.raises(OperationalError):
            query.result(5)
