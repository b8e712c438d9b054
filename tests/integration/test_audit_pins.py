"""The audit of pins, against an index of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.audit import pins

KNOWN: dict[str, Any] = {
    "/pypi/good/1.0/json": {"vulnerabilities": []},
    "/pypi/bad/2.0/json": {
        "vulnerabilities": [
            {"id": "PYSEC-1", "fixed_in": ["2.1"], "summary": "runs anything", "withdrawn": None},
            {"id": "PYSEC-2", "fixed_in": [], "summary": "a mistake", "withdrawn": "2026-01-01T00:00:00Z"},
        ]
    },
}


class Index(BaseHTTPRequestHandler):
    """A package index that knows two versions."""

    def do_GET(self) -> None:
        """Answer one version, or 404."""
        found = KNOWN.get(self.path)
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode() if found else b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple/")
    yield address
    server.shutdown()
    server.server_close()


def test_every_pin_is_read() -> None:
    found = pins.pins()
    assert {"aiohttp", "pyarrow", "pytest", "uv", "psycopg"} <= {name for name, _ in found}
    lines = [line for lock in pins.LOCKS for line in (pins.ROOT / lock).read_text().splitlines()]
    pinned = {line.split(" ")[0] for line in lines if "==" in line and line[0] not in " #"}
    assert len(found) == len(pinned) > 150


def test_what_is_known_is_told_and_fails(
    base: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pins, "pins", lambda: {("good", "1.0"), ("bad", "2.0")})
    assert pins.main() == 1
    assert capsys.readouterr().out == "bad 2.0: PYSEC-1, fixed in 2.1: runs anything\n"
    monkeypatch.setattr(pins, "pins", lambda: {("good", "1.0")})
    assert pins.main() == 0
    assert "nothing is known of the 1 pinned versions" in capsys.readouterr().out


@pytest.mark.usefixtures("base")
def test_an_index_without_data_is_told_and_does_not_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pins, "pins", lambda: {("unknown", "1.0")})
    assert pins.main() == 0
    assert "skipped" in capsys.readouterr().out
