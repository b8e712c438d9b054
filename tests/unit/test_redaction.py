"""Secrets are taken out of log lines, and out of command lines."""

from __future__ import annotations

import io
import json
import logging

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from deploy.secret_flags import SECRET_SETTINGS, move_to_environment
from schema.json_logging import HTTP_SERVER, JsonLogFormatter, configure_logging
from schema.redaction import without_secrets

SECRET = "c2VjcmV0LW9mLW1hbnk6bGV0dGVycw"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjF9.c2VjcmV0LW9mLW1hbnk"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Basic {SECRET}==",
        f"b'Authorization: Bearer {SECRET}'",
        f"{{'Authorization': 'Basic {SECRET}'}}",
        f"authorization: {SECRET}",
        f"Cookie: clearml_token_basic={SECRET}; other={SECRET}",
        f"the token {TOKEN.replace('c2VjcmV0LW9mLW1hbnk', SECRET)} is bad",
        f"postgresql://user:{SECRET}@host/db is away",
        f"http://127.0.0.1/#login=key:{SECRET}",
        f'{{"secret_key": "{SECRET}"}}',
        f"password={SECRET}&x=1",
        f"EVENTIDE_TOKEN_SECRET={SECRET}",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    assert SECRET not in without_secrets(text)


@pytest.mark.parametrize(
    "text",
    ["events.add: 12 events", "http://host:8008/path", "the token is expired", "basic plots of http://a/b@c", ""],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert without_secrets(text) == text


def test_a_traceback_has_no_secret() -> None:
    try:
        raise ValueError(f"Authorization: Basic {SECRET}")
    except ValueError as error:
        record = logging.LogRecord("x", 40, "", 1, "%s", (error,), (ValueError, error, error.__traceback__))
    assert SECRET not in JsonLogFormatter().format(record)


def test_a_request_that_cannot_be_read_is_no_error_of_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    monkeypatch.setattr("sys.stderr", told)
    configure_logging("info")
    try:
        raise BadHttpMessage(f"Invalid header: X {SECRET}")
    except BadHttpMessage:
        logging.getLogger(HTTP_SERVER).exception("Error handling request from %s", "127.0.0.1")
    line = json.loads(told.getvalue())
    assert line["level"] == "info"
    assert line["message"] == "Error handling request from 127.0.0.1: BadHttpMessage"
    assert SECRET not in told.getvalue()


def test_secret_settings_are_those_that_are_shown_to_nobody() -> None:
    assert {"secret_key", "token_secret", "web_secret_key", "clickhouse_url", "registry_url"} <= SECRET_SETTINGS


def test_secret_flags_become_environment() -> None:
    environment = {"EVENTIDE_SECRET_KEY": "old"}
    given = ["up", "--secret-key", SECRET, "--port", "1", f"--token-sec={SECRET}", "--registry-url", "x", "--host=h"]
    assert move_to_environment(given, environment) == ["up", "--port", "1", "--host=h"]
    assert environment == {
        "EVENTIDE_SECRET_KEY": SECRET,
        "EVENTIDE_TOKEN_SECRET": SECRET,
        "EVENTIDE_REGISTRY_URL": "x",
    }


@pytest.mark.parametrize("arguments", [["up", "--secret-key"], ["up", "--"], ["up", "--s", "x"], ["dlq", "list"], []])
def test_what_is_no_secret_stays(arguments: list[str]) -> None:
    assert move_to_environment(arguments, {}) == arguments
