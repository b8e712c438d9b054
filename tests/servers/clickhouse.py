"""A ClickHouse that can be killed, paused and made to fail: `clickhouse_http` in a process of its own."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.process import Process, free_port

ROOT = Path(__file__).parents[2]


class ClickHouseServer:
    """One server on one directory and one port of 127.0.0.1, which both stay its own over restarts.

    As a context manager it is up inside and killed at the end. What was answered with 200 survives `kill`; armed faults
    survive neither `kill` nor `stop`, but lines in `fail_file` (such as `times=2&match=INSERT&code=252`) may be written
    at any time and are armed by the next statement. Starting raises StartFailed, with the end of `log`.
    """

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.log = directory / "server.log"
        self.fail_file = directory / "faults"
        self._directory = directory
        arguments = ["--path", str(directory / "data"), "--port", str(self.port), "--fail-file", str(self.fail_file)]
        command = [sys.executable, "-m", "tests.servers.clickhouse_http", *arguments]
        self._process = Process(command, self.log, cwd=ROOT)

    @property
    def url(self) -> str:
        """As EVENTIDE_CLICKHOUSE_URL and clickhouse-connect's `dsn` take it. Any user and password will do."""
        return f"http://default:@127.0.0.1:{self.port}/default"

    @property
    def alive(self) -> bool:
        """Also true while paused."""
        return self._process.alive

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Also again after `stop` or `kill`; returns when it answers, after about 1.5 s."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._process.start()
        self._process.wait_until(self._answers)

    def stop(self) -> int:
        """End in order: running queries are killed first. Returns the exit code, 0 if all went well."""
        return self._process.terminate()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def pause(self) -> None:
        """SIGSTOP: connections are accepted and not answered."""
        self._process.pause()

    def resume(self) -> None:
        """Undo `pause`; what was asked meanwhile is answered."""
        self._process.resume()

    def fault(
        self,
        *,
        match: str = "",
        times: int = 1,
        delay_ms: int = 0,
        refuse: bool = False,
        code: int = 0,
        hold_ms: int = 0,
        drop: bool = False,
        late_code: int = 0,
    ) -> None:
        """Arm a fault for the next `times` statements (-1: all) that contain `match`; see `clickhouse_http.Fault`.

        Faults queue up: of two that match, the older one strikes first, and alone.
        """
        waits = {"delay_ms": delay_ms, "hold_ms": hold_ms}
        cuts = {"refuse": int(refuse), "drop": int(drop)}
        self._get("/__fault", match=match, times=times, code=code, late_code=late_code, **waits, **cuts)

    def clear_faults(self) -> None:
        """Disarm all."""
        self._get("/__fault", clear=1)

    def armed(self) -> int:
        """How many faults have not struck yet, or will again."""
        return len(json.loads(self._get("/__fault")))

    def _answers(self) -> bool:
        try:
            return self._get("/ping") == b"Ok.\n"
        except OSError:
            return False

    def _get(self, path: str, **values: str | int) -> bytes:
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(values)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            body: bytes = answer.read()
        return body
