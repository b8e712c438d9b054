"""PostgreSQL without Docker: a cluster of our own from the binaries that are installed."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import sqlalchemy as sa

from tests.servers.process import Process, Unavailable, free_port

DEBIAN = Path("/usr/lib/postgresql")
# Nothing that a test can do to the server loses what the operating system has; only power cuts would.
SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "100"}


@dataclass(frozen=True)
class Tls:
    """Certificate and key of a server, and who signs those of its clients, which it then asks for."""

    cert: Path
    key: Path
    client_ca: Path | None = None


class PostgresServer:
    """One server on one port of 127.0.0.1, in a temporary directory, with user and database `postgres` and no password.

    As a context manager it is up inside; its directory is removed at the end. Root, whom PostgreSQL refuses, runs it as
    `postgres` or `nobody`. Entering raises Unavailable if PostgreSQL is not installed, StartFailed if it does not come
    up; `log` is where it writes. With `tls` it takes no other connections, and, if it asks for certificates,
    its users are whom these name.
    """

    def __init__(self, log: Path, tls: Tls | None = None) -> None:
        self.port = free_port()
        self._tls = tls
        self.log = log
        self._user = _other_than_root()
        self._home: Path | None = None
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """As SQLAlchemy takes it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> Self:
        binaries = find_postgres()
        self._home = home = Path(tempfile.mkdtemp(prefix="eventide-postgres-"))
        try:
            if self._user:
                shutil.chown(home, self._user)
            self._initialise(binaries)
            settings = SETTINGS | {"port": str(self.port)} | (self._set_up(self._tls) if self._tls else {})
            options = [f"-c{name}={value}" for name, value in settings.items()]
            self._process = self._command([binaries / "postgres", "-D", home / "data", *options])
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._remove()

    def start(self) -> None:
        """Also again after `stop` or `kill`; returns when it answers."""
        server = self._server()
        server.start()
        server.wait_until(self._answers)

    def stop(self) -> int:
        """End at once but in order; connections are cut. Returns the exit code, 0 if all went well."""
        return self._server().terminate(number=signal.SIGINT)

    def kill(self) -> None:
        """Crash: it recovers from its log at the next start."""
        self._server().terminate(number=signal.SIGQUIT)  # SIGKILL would leave its children, and its memory, behind

    def pause(self) -> None:
        """SIGSTOP: nobody can connect; who is connected has a process of his own, which goes on."""
        self._server().pause()

    def resume(self) -> None:
        """Undo `pause`."""
        self._server().resume()

    def _server(self) -> Process:
        if self._process is None:
            raise RuntimeError("never started")
        return self._process

    def _initialise(self, binaries: Path) -> None:
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        initdb = self._command([binaries / "initdb", "-D", self._directory() / "data", *options])
        initdb.start()
        try:
            initdb.wait()
        finally:
            initdb.kill()

    def _set_up(self, tls: Tls) -> dict[str, str]:
        """Copy the files to where the server may read them, and refuse all connections without TLS."""
        settings = {"ssl": "on"}
        for name, path in (("ssl_cert_file", tls.cert), ("ssl_key_file", tls.key), ("ssl_ca_file", tls.client_ca)):
            if path:
                settings[name] = str(shutil.copy(path, self._directory() / name))
                (self._directory() / name).chmod(0o600)
                if self._user:
                    shutil.chown(self._directory() / name, self._user)
        rule = "cert clientcert=verify-full" if tls.client_ca else "trust"
        (self._directory() / "data" / "pg_hba.conf").write_text(f"hostssl all all 127.0.0.1/32 {rule}\n")
        return settings

    def _command(self, command: list[str | Path]) -> Process:
        return Process(command, self.log, cwd=self._directory(), user=self._user, death=signal.SIGINT)

    def _directory(self) -> Path:
        if self._home is None:
            raise RuntimeError("never started")
        return self._home

    def _answers(self) -> bool:
        try:
            psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", connect_timeout=2).close()
        except psycopg.OperationalError as error:
            return "valid client certificate" in str(error)  # it is up, and asks for one
        return True

    def _remove(self) -> None:
        if self._process:
            self.kill()
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)


def new_database(server: str) -> str:
    """The URL of a new database on the server at a URL."""
    name = f"registry_{secrets.token_hex(4)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return str(sa.make_url(server).set(database=name).render_as_string(hide_password=False))


def find_postgres() -> Path:
    """The directory of `initdb` and `postgres`: Debian's newest, else the one in PATH. Raises Unavailable."""
    debian = sorted(DEBIAN.glob("*/bin"), key=lambda path: float(path.parent.name))
    if debian:
        return debian[-1]
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise Unavailable("PostgreSQL is not installed")


def _other_than_root() -> str | None:
    """Whom to run it as; None: ourselves."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
