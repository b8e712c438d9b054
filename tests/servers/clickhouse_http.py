"""ClickHouse's HTTP interface over chDB, for tests: several processes share one engine, which can be killed and paused.

    python -m tests.servers.clickhouse_http --path DIR --port 8123 [--threads 16] [--fail-file F]

Prints `ready http://HOST:PORT` once it serves. SIGTERM stops it in order, SIGKILL loses nothing that was answered with
200, SIGSTOP and SIGCONT pause it; the next process can serve the same DIR.

Like a real server: the query in URL, body or multipart form; settings and `param_x` in the URL; `database`; `query_id`
(KILL QUERY, system.processes); the lock of `session_id` (code 373); compression both ways; read-only GET; HTTP status,
X-ClickHouse-Exception-Code, X-ClickHouse-Summary; SELECTs are cancelled when their client goes away
(`cancel_http_readonly_queries_on_client_close=1`), INSERTs run on.

Unlike one: results are sent when complete (no errors in mid-stream); every request is a session of its own (SET, USE
and temporary tables do not outlive it); no users, external data or Keeper; async inserts are executed at once.

Faults: `GET /__fault?code=252&times=3&match=INSERT INTO t` (see Fault; `?clear=1` disarms all), or the same query
strings as lines of --fail-file, which is deleted once read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import cramjam
from aiohttp import web

CODECS: dict[str, Any] = {
    "lz4": cramjam.lz4,
    "zstd": cramjam.zstd,
    "gzip": cramjam.gzip,
    "deflate": cramjam.zlib,
}
# URL parameters that are neither settings nor param_x.
RESERVED = frozenset(
    [
        "query",
        "database",
        "default_format",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "user",
        "password",
        "quota_key",
        "role",
        "wait_end_of_query",
        "buffer_size",
        "compress",
        "decompress",
        "client_protocol_version",
        "stacktrace",
    ]
)
# ClickHouse's exceptionCodeToHTTPStatus; any other code is 500.
HTTP_STATUS = {
    int(code): status
    for status, codes in {
        400: "6 8 15 25 26 27 36 37 38 41 44 53 62 72 117 123 167 168 223 321 376 427 441 675 676",
        401: "194",
        403: "192 193 497 512 516",
        404: "46 47 50 56 60 63 73 78 81 115 152 336 511",
        408: "159",
        411: "381",
        413: "229",
        501: "48",
        503: "76 209 439",
    }.items()
    for code in codes.split()
}
HEAD = 1 << 16  # the part of a statement that is looked at, its data excepted
_QUOTED = rb"`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
# INSERT … FORMAT x, followed by data. chDB's query() would cut such data at a newline; send_insert() does not.
INSERT_DATA = re.compile(
    rb"\s*(INSERT\s+INTO\s(?:" + _QUOTED + rb"|\((?:" + _QUOTED + rb"|\([^()]*\)|[^()`\"'])*\)"
    rb"|(?!\b(?:SELECT|VALUES|WITH|FROM)\b)[^(`\"'])*?)\sFORMAT\s+(\w+)[ \t\f]*\r?\n?",
    re.I | re.S,
)
VERB = re.compile(rb"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*([a-z]+)", re.I | re.S)
TRAILING_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*\Z", re.I)
QUERY_ID_EQUALS = re.compile(rb"\bquery_id\s*=\s*('(?:[^'\\]|\\.)*'|\{\w+\s*:\s*String\})")
READ_VERBS = frozenset({"SELECT", "WITH", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "EXISTS"})
ROW_VERBS = READ_VERBS | {"KILL", "CHECK"}
SUMMARY = [
    "read_rows",
    "read_bytes",
    "written_rows",
    "written_bytes",
    "total_rows_to_read",
    "result_rows",
    "result_bytes",
    "elapsed_ns",
]


class ServerError(Exception):
    """A ClickHouse error: its number, and a text that starts with `Code: N. DB::Exception:`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text if text.startswith("Code: ") else f"Code: {code}. DB::Exception: {text}")
        self.code = code

    @classmethod
    def of(cls, error: Exception) -> ServerError:
        """What chDB raised, with the number in its text."""
        found = re.search(r"Code: (\d+)\. .*", str(error), re.S)
        return cls(int(found[1]), found[0]) if found else cls(1002, f"{error!r} (UNKNOWN_EXCEPTION)")


class Dropped(Exception):
    """The connection is to be cut without an answer."""


@dataclass(frozen=True)
class Statement:
    """What a request asks for; `sql` includes the data of an INSERT."""

    sql: bytes
    query_id: str
    database: str
    default_format: str
    settings: Mapping[str, str]
    params: Mapping[str, str]

    @property
    def verb(self) -> str:
        """Its first word, in capitals."""
        found = VERB.match(self.sql)
        return found[1].decode().upper() if found else ""


@dataclass(frozen=True)
class Reply:
    """`format` is None if the statement has no result set (DDL, INSERT)."""

    body: bytes
    format: str | None
    summary: Mapping[str, str]


class Engine:
    """chDB on one directory; `execute` may be called from many threads at once."""

    def __init__(self, path: Path) -> None:
        import chdb  # takes its time zone from the environment, which `main` sets, when it is loaded

        self._path = str(path.resolve())
        self._connect: Callable[[str], Any] = chdb.connect
        self._keep = self._connect(self._path)  # keeps the engine open and the directory locked
        self.timezone: str = self._keep.query("SELECT timezone()", "TSV").bytes().decode().strip()

    def execute(self, statement: Statement) -> Reply:
        """Run one statement in a session of its own (a connection costs 0.1 ms). Raises ServerError."""
        try:
            with self._connect(self._path) as connection:
                _prepare(connection, statement)
                data = INSERT_DATA.match(statement.sql, 0, HEAD)
                return _insert(connection, statement.sql, data) if data else _query(connection, statement)
        except ServerError:
            raise
        except Exception as error:
            raise ServerError.of(error) from error

    def kill(self, condition: str) -> None:
        """KILL QUERY WHERE condition; returns when they have ended."""
        with self._connect(self._path) as connection:
            connection.query(f"KILL QUERY WHERE {condition} SYNC")

    def close(self) -> None:
        """No statement may be running."""
        self._keep.close()


def _prepare(connection: Any, statement: Statement) -> None:
    if statement.database:
        connection.query(f"USE {quoted(statement.database, '`')}")
    # chDB chooses its own query ids, so ours travels in log_comment; bare expressions are its own addition.
    settings = {"implicit_select": "0", "log_comment": statement.query_id, **statement.settings}
    if bad := [name for name in settings if not re.fullmatch(r"\w+", name)]:
        raise ServerError(115, f"Unknown setting '{bad[0]}'. (UNKNOWN_SETTING)")
    connection.query("SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items()))


def _insert(connection: Any, sql: bytes, data: re.Match[bytes]) -> Reply:
    with connection.send_insert(data[1].decode(), data[2].decode()) as insert:
        insert.append(sql[data.end() :])
        done = insert.finish()
    return Reply(b"", None, summary(done.elapsed, written_rows=done.rows_written, written_bytes=done.bytes_written))


def _query(connection: Any, statement: Statement) -> Reply:
    sql = statement.sql
    if connection._conn.classify_query(sql.decode(errors="replace"))["statement_count"] > 1:
        raise ServerError(62, "Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)")
    if statement.verb == "KILL" or b"system.processes" in sql:
        sql = QUERY_ID_EQUALS.sub(rb"(query_id = \1 OR Settings['log_comment'] = \1)", sql)
    result = connection.query(sql, statement.default_format, params=dict(statement.params))
    named = TRAILING_FORMAT.search(sql[-200:])
    format_ = named[1].decode() if named else statement.default_format
    counts = summary(
        result.elapsed(),
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
        result_bytes=result.size(),
    )
    return Reply(result.bytes() or b"", format_ if statement.verb in ROW_VERBS else None, counts)


def quoted(text: str, mark: str = "'") -> str:
    """As a literal, or as an identifier with a backtick as `mark`."""
    return mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark


def summary(elapsed_s: float, **counts: int) -> dict[str, str]:
    """The X-ClickHouse-Summary object: every value is a string."""
    return {name: str(counts.get(name, 0)) for name in SUMMARY} | {"elapsed_ns": str(int(elapsed_s * 1e9))}


@dataclass
class Fault:
    """Befalls the next `times` requests (-1: all) whose SQL contains `match` (in any case; "": every request).

    delay_ms   wait, then go on (an INSERT is executed even if its client has gone by then)
    refuse     cut the connection, nothing executed
    code       answer this error, nothing executed
    hold_ms    wait after the execution
    drop       cut the connection after the execution
    late_code  answer this error after the execution
    """

    match: str = ""
    times: int = 1
    delay_ms: int = 0
    refuse: int = 0
    code: int = 0
    hold_ms: int = 0
    drop: int = 0
    late_code: int = 0

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Fault:
        """Raises TypeError or ValueError."""
        numbers = {name: int(value) for name, value in values.items() if name != "match"}
        return cls(values.get("match", ""), **numbers)

    async def before(self) -> None:
        """What happens instead of the execution, or ahead of it."""
        await asyncio.sleep(self.delay_ms / 1000)
        if self.refuse:
            raise Dropped
        if self.code:
            raise ServerError(self.code, "Injected before execution. (INJECTED_FAULT)")

    async def after(self) -> None:
        """What happens instead of the answer, or ahead of it."""
        await asyncio.sleep(self.hold_ms / 1000)
        if self.drop:
            raise Dropped
        if self.late_code:
            raise ServerError(self.late_code, "Injected after execution. (INJECTED_FAULT)")


class Faults:
    """The armed faults, oldest first."""

    def __init__(self, fail_file: Path | None) -> None:
        self.armed: list[Fault] = []
        self._fail_file = fail_file

    def take(self, sql: bytes) -> Fault:
        """The fault for this statement; a harmless one if none is armed for it."""
        self._read_file()
        head = sql[:HEAD].decode(errors="replace").lower()
        fault = next((fault for fault in self.armed if fault.match.lower() in head), Fault())
        fault.times -= 1
        self.armed = [fault for fault in self.armed if fault.times != 0]
        return fault

    def _read_file(self) -> None:
        if self._fail_file and self._fail_file.exists():
            lines = self._fail_file.read_text().splitlines()
            self._fail_file.unlink()
            self.armed += [Fault.parse(dict(parse_qsl(line.strip()))) for line in lines if line.strip()]


class Server:
    """The HTTP side: reads requests, runs them on threads, writes answers."""

    def __init__(self, engine: Engine, faults: Faults, threads: int) -> None:
        self._engine, self._faults = engine, faults
        self._workers = ThreadPoolExecutor(threads, "query")
        self._control = ThreadPoolExecutor(2, "control")  # KILL must not queue behind what it is to kill
        self._busy_sessions: set[str] = set()
        self.app = web.Application(client_max_size=1 << 32)
        self.app.router.add_get("/ping", self._ok)
        self.app.router.add_get("/__fault", self._fault)
        self.app.router.add_route("*", "/", self._handle)

    def close(self) -> None:
        """Kill what is running and close the engine."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._engine.kill("query NOT ILIKE 'KILL%'")
        self._workers.shutdown()
        self._control.shutdown()
        self._engine.close()

    async def _ok(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def _fault(self, request: web.Request) -> web.Response:
        if "clear" in request.query:
            self._faults.armed.clear()
        elif request.query:
            try:
                self._faults.armed.append(Fault.parse(request.query))
            except (TypeError, ValueError) as error:
                return web.Response(status=400, text=f"bad fault: {error}\n")
        return web.json_response([asdict(fault) for fault in self._faults.armed])

    async def _handle(self, request: web.Request) -> web.Response:
        headers = {"X-ClickHouse-Timezone": self._engine.timezone}
        try:
            values, statement = await read(request)
            if not statement.sql.strip():
                return await self._ok(request)
            headers["X-ClickHouse-Query-Id"] = statement.query_id
            reply = await self._run_to_the_end(values, statement)
            return await answer(request, reply, headers, compress=values.get("enable_http_compression") == "1")
        except ServerError as error:
            headers["X-ClickHouse-Exception-Code"] = str(error.code)
            return web.Response(status=HTTP_STATUS.get(error.code, 500), text=f"{error}\n", headers=headers)
        except Dropped:
            if request.transport:
                request.transport.abort()
            return web.Response()

    async def _run_to_the_end(self, values: Mapping[str, str], statement: Statement) -> Reply:
        """Run a statement; if the client goes away it runs on, or is killed if it only reads and may be."""
        work = asyncio.create_task(self._run(statement, values.get("session_id", "")))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())  # else logged as never retrieved
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if statement.verb in READ_VERBS and values.get("cancel_http_readonly_queries_on_client_close") == "1":
                self._control.submit(self._engine.kill, f"Settings['log_comment'] = {quoted(statement.query_id)}")
            raise

    async def _run(self, statement: Statement, session: str) -> Reply:
        if session and session in self._busy_sessions:
            raise ServerError(373, f"Session {session} is locked by a concurrent client. (SESSION_IS_LOCKED)")
        self._busy_sessions.add(session)
        try:
            fault = self._faults.take(statement.sql)
            await fault.before()
            pool = self._control if statement.verb == "KILL" else self._workers
            reply = await asyncio.get_running_loop().run_in_executor(pool, self._engine.execute, statement)
            await fault.after()
            return reply
        finally:
            self._busy_sessions.discard(session)


async def read(request: web.Request) -> tuple[dict[str, str], Statement]:
    """The URL and form values of a request, and the statement they make. Raises ServerError."""
    values, body = dict(request.query), b""
    if request.content_type == "multipart/form-data":
        values |= await _form(request)
    else:
        body = await _body(request)
    settings = {name: value for name, value in values.items() if name not in RESERVED and not name.startswith("param_")}
    if request.method == "GET":
        settings.setdefault("readonly", "2")
    return values, Statement(
        sql=b"\n".join(part for part in (values.get("query", "").encode(), body) if part),
        query_id=values.get("query_id") or str(uuid.uuid4()),
        database=values.get("database") or request.headers.get("X-ClickHouse-Database") or "",
        default_format=values.get("default_format") or request.headers.get("X-ClickHouse-Format") or "TabSeparated",
        settings=settings,
        params={name.removeprefix("param_"): value for name, value in values.items() if name.startswith("param_")},
    )


async def _form(request: web.Request) -> dict[str, str]:
    form = await request.post()
    if any(not isinstance(value, str) for value in form.values()):
        raise ServerError(48, "External data is not supported by this test server. (NOT_IMPLEMENTED)")
    return {name: str(value) for name, value in form.items()}


async def _body(request: web.Request) -> bytes:
    body, encoding = await request.read(), request.headers.get("Content-Encoding", "identity")
    if encoding == "identity":
        return body
    if encoding not in CODECS:
        raise ServerError(48, f"Unknown Content-Encoding {encoding}. (NOT_IMPLEMENTED)")
    return bytes(await asyncio.to_thread(CODECS[encoding].decompress, body))


async def answer(request: web.Request, reply: Reply, headers: dict[str, str], *, compress: bool) -> web.Response:
    """The reply as HTTP, compressed if the client may get and accepts that."""
    headers["X-ClickHouse-Summary"] = json.dumps(reply.summary)
    if reply.format:
        headers["X-ClickHouse-Format"] = reply.format
        headers["Content-Type"] = "application/json" if reply.format.startswith("JSON") else "text/plain"
    accepted = [name.split(";")[0].strip() for name in request.headers.get("Accept-Encoding", "").split(",")]
    encoding = next((name for name in accepted if name in CODECS), None)
    if encoding is None or not reply.body or not compress:
        return web.Response(body=reply.body, headers=headers)
    body = bytes(await asyncio.to_thread(CODECS[encoding].compress, reply.body))
    return web.Response(body=body, headers=headers | {"Content-Encoding": encoding})


async def serve(args: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = Server(Engine(args.path), Faults(args.fail_file), args.threads)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    limits: Any = {"max_line_size": 1 << 20, "max_field_size": 1 << 20, "shutdown_timeout": 0.5}
    runner = web.AppRunner(server.app, access_log=None, auto_decompress=False, handler_cancellation=True, **limits)
    await runner.setup()
    await web.TCPSite(runner, args.host, args.port).start()
    print(f"ready http://{args.host}:{runner.addresses[0][1]}", flush=True)
    await stop.wait()
    await runner.cleanup()
    server.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Test-only ClickHouse HTTP server on chDB")
    parser.add_argument("--path", type=Path, required=True, help="data directory; one server at a time")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8123, help="0: any free one (see the ready line)")
    parser.add_argument("--threads", type=int, default=16, help="statements executed at once; more wait")
    parser.add_argument("--fail-file", type=Path, help="faults as lines of code=252&times=3…; deleted once read")
    os.environ.setdefault("TZ", "UTC")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
