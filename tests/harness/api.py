"""A client of the API that looks at every envelope (API contract 1.6) and knows which tier answers what."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tests.harness.plain import plain_client
from tests.servers.looks import look

LATEST = "999.0"
JSON_LINES = "application/json-lines"
META = {"id", "trx", "endpoint", "result_code", "result_subcode", "result_msg", "error_stack", "error_data"}
HEX_32 = re.compile(r"[0-9a-f]{32}")

Data = dict[str, Any]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Origins:
    """Where the two tiers listen; with one process for both, twice the same."""

    gateway: str
    query: str

    def of(self, action: str) -> str:
        """The tier of an action; reads, and what no tier knows, go to the query service."""
        return self.gateway if action in gateway_actions() else self.query

    def all(self) -> list[str]:
        """Each origin once."""
        return list(dict.fromkeys((self.gateway, self.query)))


@cache
def gateway_actions() -> frozenset[str]:
    """Whatever changes something."""
    from ingest.app import endpoints

    return frozenset(endpoint.name for endpoint in endpoints)


@dataclass(frozen=True)
class Credentials:
    """What a user logs in with."""

    access_key: str
    secret_key: str


class Api:
    """Calls as one user. Writes ask to be visible when they are answered, which embedded they are anyway."""

    def __init__(self, origins: Origins, credentials: Credentials | None) -> None:
        self.origins = origins
        self.credentials = credentials
        self._client = plain_client(timeout=60, headers={"X-Eventide-Ack": "visible", "User-Agent": "conformance"})
        self._token: str | None = self.login()["token"] if credentials else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    @property
    def token(self) -> str:
        """The bearer token of all calls."""
        assert self._token is not None
        return self._token

    def login(self, **fields: Any) -> Data:
        """The data of a fresh ``auth.login`` with Basic credentials."""
        assert self.credentials
        user = (self.credentials.access_key, self.credentials.secret_key)
        return data_of(self._client.post(self.url("auth.login"), json=fields, auth=httpx.BasicAuth(*user)))

    def url(self, action: str, version: str | None = LATEST) -> str:
        """Where an action is called."""
        return f"{self.origins.of(action)}/{f'v{version}/' if version else ''}{action}"

    def raw(
        self,
        action: str,
        body: Any = None,
        *,
        version: str | None = LATEST,
        method: str = "POST",
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: bool = True,
        **options: Any,
    ) -> httpx.Response:
        """The response to a call. ``content`` is sent as it is, ``body`` as JSON; ``options`` are httpx's."""
        return self.ask(
            self.url(action, version), body, method=method, content=content, headers=headers, auth=auth, **options
        )

    def ask(
        self,
        url: str,
        body: Any = None,
        *,
        method: str = "POST",
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: bool = True,
        **options: Any,
    ) -> httpx.Response:
        """As ``raw``, of any URL."""
        sent = {"Authorization": f"Bearer {self._token}"} if auth and self._token else {}
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        response = self._client.request(method, url, content=content, headers=sent | dict(headers or {}), **options)
        self._client.cookies.clear()
        return response

    def call(self, action: str, body: Data | None = None, *, version: str | None = LATEST, **fields: Any) -> Data:
        """The data of a call that succeeds; ``fields`` are merged into ``body``."""
        return data_of(self.raw(action, (body or {}) | fields, version=version))

    def fail(
        self, action: str, body: Data | None = None, *, version: str | None = LATEST, **fields: Any
    ) -> tuple[int, int]:
        """Code and subcode of a call that is refused."""
        return failure_of(self.raw(action, (body or {}) | fields, version=version))

    # --- events -------------------------------------------------------------------------------------------------------

    def raw_batch(self, lines: Iterable[Data | str], **options: Any) -> httpx.Response:
        """The response to ``add_batch``; texts are sent as they are."""
        headers = {"Content-Type": JSON_LINES, **options.pop("headers", {})}
        return self.raw("events.add_batch", content=json_lines(lines), headers=headers, **options)

    def batch(self, lines: Iterable[Data | str], **options: Any) -> Data:
        """The data of an ``add_batch`` that succeeds."""
        return data_of(self.raw_batch(lines, **options))

    def fail_batch(self, lines: Iterable[Data | str], **options: Any) -> tuple[int, int]:
        """Code and subcode of an ``add_batch`` that is refused."""
        return failure_of(self.raw_batch(lines, **options))

    def add(self, *events: Data) -> None:
        """Store events, all of them."""
        assert self.batch(events) == {"added": len(events), "errors": 0, "errors_info": {}}

    def events(self, task: str, event_type: str = "*", **fields: Any) -> list[Data]:
        """All events of an entity, in the order of ``get_task_events``."""
        answer = self.call("events.get_task_events", task=task, event_type=event_type, batch_size=10_000, **fields)
        found: list[Data] = answer["events"]
        return found

    def logs(self, task: str, **fields: Any) -> list[Data]:
        """A page of a task's log, oldest first."""
        fields = {"task": task, "navigate_earlier": False} | fields
        found: list[Data] = self.call("events.get_task_log", fields)["events"]
        return found

    # --- tasks and models ---------------------------------------------------------------------------------------------

    def create_task(self, name: str = "a task", **fields: Any) -> str:
        """The id of a new task."""
        return str(self.call("tasks.create", name=name, type="training", **fields)["id"])

    def create_model(self, name: str = "a model", *, ready: bool = False, **fields: Any) -> str:
        """The id of a new model; a ready one is locked."""
        fields = {"name": name, "uri": "file:///model", "labels": {}, "ready": ready} | fields
        return str(self.call("models.create", fields)["id"])

    def task(self, task: str) -> Data:
        """A task's document."""
        document: Data = self.call("tasks.get_by_id", task=task)["task"]
        return document

    def model(self, model: str) -> Data:
        """A model's document."""
        document: Data = self.call("models.get_by_id", model=model)["model"]
        return document


def json_lines(lines: Iterable[Data | str]) -> bytes:
    """As the SDK sends them: joined by newlines, without one at the end."""
    return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()


def envelope_of(response: httpx.Response) -> Data:
    """The body of a response, once its shape is seen to be that of API contract 1.6."""
    assert response.headers["Content-Type"] == "application/json", response.text
    body: Data = json.loads(response.content, parse_constant=_refuse)
    assert set(body) == {"meta", "data"}
    meta = body["meta"]
    assert set(meta) == META
    assert set(meta["endpoint"]) == {"name", "requested_version", "actual_version"}
    assert meta["result_code"] == response.status_code
    assert HEX_32.fullmatch(meta["id"])
    assert isinstance(meta["trx"], str)
    assert isinstance(meta["result_msg"], str)
    assert (meta["error_stack"], meta["error_data"]) == (None, {})
    return body


def data_of(response: httpx.Response) -> Data:
    """The data of a successful response."""
    body = envelope_of(response)
    meta = body["meta"]
    assert response.status_code == 200, f"{meta['endpoint']['name']}: {meta['result_code']} {meta['result_msg']}"
    assert (meta["result_subcode"], meta["result_msg"]) == (0, "OK")
    data: Data = body["data"]
    return data


def failure_of(response: httpx.Response) -> tuple[int, int]:
    """Code and subcode of a refusal."""
    body = envelope_of(response)
    assert response.status_code != 200, body["data"]
    assert body["data"] == {}
    return body["meta"]["result_code"], body["meta"]["result_subcode"]


def meta_of(response: httpx.Response) -> Data:
    """The envelope's ``meta``."""
    meta: Data = envelope_of(response)["meta"]
    return meta


def until(found: Callable[[], Found | None], seconds: float = 10) -> Found:
    """What ``found`` gives once it is true: for what is told to other processes with a delay."""
    end = time.monotonic() + seconds
    while not (value := look(found, 0.05)):
        assert time.monotonic() < end, f"not within {seconds} s"
    return value


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")
