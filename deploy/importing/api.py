"""A client of the API for imports: calls, bodies of events and uploads, each repeated while the server is busy."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from schema.errors import ConfigError, EventsError, Unavailable

ATTEMPTS = 8  # 2 + 4 + … + 30 s: a restart of a server, or a Kafka that elects leaders
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 30.0
TIMEOUT_SECONDS = 120.0
LATER = frozenset((429, 502, 503, 504))
FILE_CHUNK_BYTES = 1 << 20
Body = bytes | Iterator[bytes]


class Refused(EventsError):
    """A call that the server refuses, and would refuse again. ``status``: of HTTP."""

    def __init__(self, action: str, status: int, message: str) -> None:
        super().__init__(f"{action}: {message} ({status})")
        self.status = status


@dataclass(frozen=True)
class Target:
    """A server: the URLs of its API and of its files, as this process reaches them, and the keys.

    ``stored_files``: the URL that stored events name files by.
    """

    api: str
    files: str
    access_key: str
    secret_key: str
    stored_files: str


class Api:
    """Calls to one server, by any number of threads; each has a connection of its own."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._local = threading.local()
        self._token = ""
        user = b64encode(f"{target.access_key}:{target.secret_key}".encode()).decode()
        answer = self._ask(target.api, "POST", "/auth.login", b"{}", {"Authorization": f"Basic {user}"})
        self._token = str(answer["data"]["token"])

    def call(self, action: str, **fields: Any) -> dict[str, Any]:
        """Return the data of an answer. Raises Refused and Unavailable."""
        headers = {"Content-Type": "application/json"}
        return self._data(action, json.dumps(fields, default=str).encode(), headers)

    def add_batch(self, body: bytes, media_type: str, key: str = "") -> dict[str, Any]:
        """Send events; return the counts of the answer. ``key``: an Idempotency-Key.

        Raises Refused and Unavailable.
        """
        headers = {"Content-Type": media_type} | ({"Idempotency-Key": key} if key else {})
        return self._data("events.add_batch", body, headers)

    def upload(self, path: str, content: bytes | Path) -> str:
        """Store a file; return the URL that events name it by. ``path``: as ``file_path`` makes it.

        Raises Refused, Unavailable and OSError.
        """
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{path}"; filename="file"\r\n\r\n'.encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        headers["Content-Length"] = str(len(head) + size + len(tail))
        self._ask(self.target.files, "POST", "/", lambda: _form(head, content, tail), headers)
        return f"{self.target.stored_files}/{path}"

    def _data(self, action: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        answer = self._ask(self.target.api, "POST", f"/{action}", body, headers)
        data: dict[str, Any] = answer.get("data") or {}
        return data

    def _ask(self, base: str, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        """Return the JSON of an answer; ``body``: bytes, or a function that gives them anew for each attempt."""
        pause, problem = FIRST_PAUSE_SECONDS, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
            try:
                status, content = self._once(base, method, path, body() if callable(body) else body, headers)
            except (OSError, http.client.HTTPException) as error:
                self._forget(base)
                problem = str(error) or type(error).__name__
                continue
            if status not in LATER:
                return _answer(path, status, content)
            problem = _message(content)
        raise Unavailable(f"{base}{path}: {problem}")

    def _once(self, base: str, method: str, path: str, body: Body, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection, prefix = self._connection(base)
        sent = {"Authorization": f"Bearer {self._token}", "X-Eventide-Ack": "visible", **headers}
        connection.request(method, f"{prefix}{path}", body, sent)
        response = connection.getresponse()
        return response.status, response.read()

    def _connection(self, base: str) -> tuple[http.client.HTTPConnection, str]:
        parts = urlsplit(base)
        known = self._local.__dict__.setdefault("connections", {})
        if base not in known:
            known[base] = _connect(parts.scheme, parts.hostname or "", parts.port)
        return known[base], parts.path.rstrip("/")

    def _forget(self, base: str) -> None:
        if connection := self._local.__dict__.get("connections", {}).pop(base, None):
            connection.close()


def _connect(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    if scheme != "http":
        raise ConfigError(f"an address begins with http:// or https://, and not with {scheme}://")
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)


def _form(head: bytes, content: bytes | Path, tail: bytes) -> Iterator[bytes]:
    yield head
    if isinstance(content, bytes):
        yield content
    else:
        with content.open("rb") as file:
            while chunk := file.read(FILE_CHUNK_BYTES):
                yield chunk
    yield tail


def _answer(path: str, status: int, content: bytes) -> Any:
    if status != 200:
        raise Refused(path.lstrip("/"), status, _message(content))
    return json.loads(content)


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["meta"]["result_msg"])
    except (ValueError, KeyError, TypeError):
        return content[:200].decode(errors="replace")
