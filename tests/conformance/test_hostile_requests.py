"""Every call, sent what no client sends: odd headers, bodies of every type, control characters in every text.

The answer is an error of the caller's, or the answer: never a fault of the server's, and never nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow as pa
import pytest

from deploy.endpoint_catalog import all_endpoints
from schema.api.wire import Endpoint
from tests.harness.api import Api
from tests.harness.deployment import Deployment

ENDPOINTS = sorted(all_endpoints(), key=lambda endpoint: (endpoint.name, endpoint.since))
CONTROL = "".join(map(chr, range(0x20))) + "\x7f\x85\u2028\ufffe"
UNENDING = frozenset(("events.stream",))  # answers until its client leaves


@pytest.fixture(scope="module")
def client(eventide: Deployment) -> Iterator[Api]:
    """A user whose company nobody else has: what these calls may delete is theirs."""
    with Api(eventide.origins, eventide.add_user("hostile", "hostile")) as api:
        yield api


def ask(api: Api, endpoint: Endpoint, content: bytes = b"{}", **headers: bytes) -> httpx.Response:
    """The response to a call at the version of its implementation; asked again where a busy service says 503."""
    sent: dict[str, Any] = {"Authorization": f"Bearer {api.token}", "Content-Type": b"application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    url = api.url(endpoint.name, endpoint.actual_version)
    answer = api.ask(url, content=content, headers=sent, auth=False)
    for _ in range(2):
        if answer.status_code == 503:
            answer = api.ask(url, content=content, headers=sent, auth=False)
    return answer


def each(what: Any) -> Any:
    """A test of every call; one id for each."""
    chosen = [endpoint for endpoint in ENDPOINTS if endpoint.name not in UNENDING]
    ids = [f"{endpoint.name}@{endpoint.actual_version}" for endpoint in chosen]
    return pytest.mark.parametrize("endpoint", chosen, ids=ids)(what)


ODD_HEADERS: list[dict[str, bytes]] = [
    *({name: value} for name in ("X_Clearml_Worker", "X_Trains_Worker") for value in (b"\xff", b"\xc3", "é".encode())),
    *(
        {name: b"\xff\xfe"}
        for name in ("Idempotency_Key", "X_Eventide_Ack", "Last_Event_ID", "X_Clearml_Trx", "Cookie")
    ),
    *(
        {"Authorization": value}
        for value in (b"Basic \xff", "Basic é".encode(), b"Basic", b"Bearer \xff", b"\xff", b"")
    ),
    {"Authorization": b"Basic AAAA"},
    {"Authorization": b"Basic AHg6AHg="},  # \0x:\0x
    {"X_Clearml_Impersonate_As": b"\xff"},
    {"X_Clearml_Act_As": "é\x7f".encode()},
    {"Accept_Encoding": b"\xff"},
    {"Origin": b"\xff"},
    {"Content_Type": b"\xff"},
    {"Content_Type": b"application/json; charset=\xff"},
    {"Content_Type": b"application/json; charset=nonsense"},
    {"Cookie": b"clearml_token_basic=\x80; a=b; ;;; =; " + b"x" * 4000},
    {"Cookie": b'clearml_token_basic="\\303\\050"'},
]
SOURCE = random.Random(25)
ARROW = pa.BufferOutputStream()
with pa.ipc.new_stream(ARROW, pa.schema([("type", pa.string())])) as _out:
    pass
BODIES: list[tuple[str, bytes]] = [
    *(("application/json", body) for body in (b"\xff", b"\xfe\xff", b"[" * 5000, b'{"a":' * 5000, b"\0", b'"' * 999)),
    *(("application/json-lines", body) for body in (b"\n", b"\r", b"{}\n\n{}", b"\0", b"\xff", b"{" * 5000, b"1e999")),
    *(("application/vnd.apache.arrow.stream", body) for body in (b"", b"\xff" * 99, ARROW.getvalue().to_pybytes())),
    *(("application/x-www-form-urlencoded", body) for body in (b"=" * 99, b"&" * 9999, b"a.b.c=1&a=2&a.b=3", b"%zz=%")),
    ("application/x-www-form-urlencoded", b".".join([b"a"] * 5000) + b"=1"),
    ("application/x-www-form-urlencoded; charset=utf-7", b"a=+AAA-"),
    ("application/x-www-form-urlencoded; charset=idna", b"a=" + b"x" * 999),
    *(("multipart/form-data; boundary=x", SOURCE.randbytes(size)) for size in (1, 50, 500)),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n" * 200),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\nzz\r\n--x--'),
    ("multipart/form-data", b"--x"),
    ("multipart/mixed; boundary=x", b"--x--"),
]


@each
def test_odd_headers(client: Api, endpoint: Endpoint) -> None:
    answers = [(headers, ask(client, endpoint, **headers).status_code) for headers in ODD_HEADERS]
    assert [answer for answer in answers if answer[1] >= 500] == []


@each
def test_bodies_of_every_type(client: Api, endpoint: Endpoint) -> None:
    answers = [(kind, body[:40], ask(client, endpoint, body, Content_Type=kind.encode())) for kind, body in BODIES]
    assert [(kind, body, answer.text) for kind, body, answer in answers if answer.status_code >= 500] == []


@each
def test_control_characters_in_every_text(client: Api, endpoint: Endpoint) -> None:
    """Each field in turn, as a text and as a list, an object and a list of objects of such texts."""
    failed = []
    for name in [*endpoint.request.model_fields, CONTROL]:
        for value in (CONTROL, [CONTROL], {CONTROL: CONTROL}, [{CONTROL: CONTROL, "name": CONTROL, "value": CONTROL}]):
            response = client.raw(endpoint.name, {name: value}, version=endpoint.actual_version)
            failed += [(name, value, response.text)] if response.status_code >= 500 else []
    assert failed == []
