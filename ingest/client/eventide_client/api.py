"""Calls of Eventide's API over one connection that is kept open. Not for concurrent use."""

from __future__ import annotations

import base64
import http.client
import json
import uuid
from collections.abc import Mapping
from typing import Any, Union
from urllib.parse import quote, urlsplit

from eventide_client.configuration import Configuration

TIMEOUT_SECONDS = 60.0
JSON, JSON_LINES = "application/json", "application/json-lines"
LATER = frozenset((401, 403, 408, 421, 425, 429, 502, 503, 504))  # what an operator, or time, can mend
DEFECT = 500
DENIED_PAUSE_SECONDS = 30.0  # wrong keys and full quotas do not change within a second

Connection = Union[http.client.HTTPConnection, http.client.HTTPSConnection]


class Unavailable(Exception):
    """The same request may succeed later. ``retry_after_seconds``: the server's word on when; None without."""

    def __init__(self, message: str, retry_after_seconds: float | None = None, *, is_defect: bool = False) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.is_defect = is_defect


class Refused(Exception):
    """The server will never accept this request. ``code``, ``subcode``: as the API contract lists them."""

    def __init__(self, message: str, code: int, subcode: int = 0) -> None:
        super().__init__(message)
        self.code, self.subcode = code, subcode


class Api:
    """The calls of one process's sender. ``worker``: the name that events without one get."""

    def __init__(self, configuration: Configuration, worker: str = "") -> None:
        self._configuration = configuration
        keys = f"{configuration.access_key}:{configuration.secret_key}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(keys).decode()}", "User-Agent": "eventide-client"}
        if worker:
            self._headers["X-Clearml-Worker"] = worker
        self._connections: dict[str, Connection] = {}

    def call(self, endpoint: str, **fields: Any) -> dict[str, Any]:
        """Return the data of an answer. Raises Unavailable and Refused."""
        return self._post(endpoint, json.dumps(fields).encode(), {"Content-Type": JSON})

    def add_batch(self, lines: bytes, key: str) -> dict[str, Any]:
        """Store events, one a line. ``key``: what this request has each time it is sent. Raises as ``call``."""
        return self._post("events.add_batch", lines, {"Content-Type": JSON_LINES, "Idempotency-Key": key})

    def upload(self, path: str, content: bytes) -> None:
        """Store a file under a path of the files server. Raises as ``call``."""
        boundary = uuid.uuid4().hex
        name = path.replace("\\", "\\\\").replace('"', '\\"')
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        body = b"".join((head.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
        self._send(self._configuration.files + "/", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})

    def stream(self, endpoint: str, *, last_event_id: str = "", **fields: Any) -> http.client.HTTPResponse:
        """Return the open response to a call, to be read to its end; else call ``close``. Raises as ``call``.

        ``last_event_id``: of server-sent events, the one after which they go on.
        """
        headers = {"Content-Type": JSON} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        return self._response("POST", self._url(endpoint), json.dumps(fields).encode(), headers)

    def get(self, url: str) -> http.client.HTTPResponse:
        """Return the open response to a GET, such as a file; to be read as that of ``stream``. Raises as ``call``."""
        return self._response("GET", url, None, {})

    def close(self) -> None:
        """Close the connections."""
        while self._connections:
            self._connections.popitem()[1].close()

    def _post(self, endpoint: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        answer = json.loads(self._send(self._url(endpoint), body, headers))
        data: dict[str, Any] = answer["data"]
        return data

    def _url(self, endpoint: str) -> str:
        return f"{self._configuration.api}/v2.34/{endpoint}"

    def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        return self._response("POST", url, body, headers).read()

    def _response(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """Return a successful response, unread. Raises Unavailable and Refused."""
        try:
            response = self._exchange(method, url, body, {**self._headers, **headers})
            if response.status < 300:
                return response
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unavailable(f"{url}: {error or type(error).__name__}") from error
        raise _failure(url, response, text)

    def _exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """Send a request, once more if the server has closed a connection that had been idle."""
        address = urlsplit(url)
        origin, target = f"{address.scheme}://{address.netloc}", quote(address.path, safe="/%")
        target += f"?{address.query}" if address.query else ""
        is_reused = origin in self._connections
        connection = self._connections.setdefault(origin, self._connections.get(origin) or _connection(origin))
        try:
            connection.request(method, target, body, dict(headers))
            return connection.getresponse()
        except (ConnectionError, http.client.BadStatusLine, http.client.CannotSendRequest):
            self._connections.pop(origin).close()
            if not is_reused:
                raise
        return self._exchange(method, url, body, headers)


def _connection(origin: str) -> Connection:
    address = urlsplit(origin)
    make = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    return make(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)


def _failure(url: str, response: http.client.HTTPResponse, text: bytes) -> Exception:
    """Return the error that a response stands for."""
    subcode, message = _told(text)
    message = f"{url}: {response.status}/{subcode} {message}"
    if response.status not in LATER and response.status < DEFECT:
        return Refused(message, response.status, subcode)
    pause = _number(response.headers.get("Retry-After"))
    if pause is None and response.status in (401, 403):
        pause = DENIED_PAUSE_SECONDS
    return Unavailable(message, pause, is_defect=response.status not in LATER)


def _told(text: bytes) -> tuple[int, str]:
    """Return subcode and message of an envelope; 0 and the text of anything else."""
    try:
        meta = json.loads(text)["meta"]
        return int(meta["result_subcode"]), str(meta["result_msg"])
    except (ValueError, KeyError, TypeError):
        return 0, text[:200].decode(errors="replace")


def _number(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:  # a date
        return None
