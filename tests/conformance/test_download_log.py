"""API contract 3.12: ``download_task_log``."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.harness.api import Api, failure_of
from tests.harness.events import ABSENT, log

DOWNLOAD = "events.download_task_log"


def download(api: Api, task: str, **fields: object) -> httpx.Response:
    response = api.raw(DOWNLOAD, {"task": task} | fields)
    assert response.status_code == 200, response.text
    return response


def text(api: Api, task: str, **fields: object) -> str:
    return download(api, task, line_type="text", **fields).text


@pytest.fixture(scope="module")
def started(api: Api) -> str:
    """The worked example, and a line before it."""
    task = api.create_task()
    api.add(log(task, "started", worker="w1", timestamp=1671640000000), log(task, "été", level="warn", timestamp=5))
    return task


def test_a_download_is_a_file_without_envelope(api: Api, started: str) -> None:
    headers = download(api, started).headers
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Content-Disposition"] == f"attachment; filename=task_{started}.log"
    assert headers["Cache-Control"] == "no-store, max-age=0"


def test_json_lines_by_default(api: Api, started: str) -> None:
    content = download(api, started).text
    assert content.endswith("\n")
    lines = [json.loads(line) for line in content.removesuffix("\n").split("\n")]
    assert [line["asctime"] for line in lines] == [5, 1671640000000]
    last = lines[1]
    assert last.pop("@timestamp").endswith("Z")
    assert last == {
        "msg": "started",
        "level": "info",
        "worker": "w1",
        "metric": "",
        "variant": "",
        "model_event": False,
        "asctime": 1671640000000,
    }
    assert list(lines[0])[-1] == "asctime"


@pytest.mark.parametrize("line_type", ["json", "JSON", "Json"])
def test_the_line_type_is_lower_cased(api: Api, started: str, line_type: str) -> None:
    assert download(api, started, line_type=line_type).text.startswith("{")


@pytest.mark.parametrize("line_type", ["text", "TEXT", "xml", ""])
def test_any_other_line_type_is_text(api: Api, started: str, line_type: str) -> None:
    content = download(api, started, line_type=line_type).text
    assert content == "5 <unknown> warn été\n1671640000000 w1 info started\n"


def test_extra_fields_are_in_the_json(api: Api, task: str) -> None:
    api.add(log(task, iter=5, other={"a": [1]}, timestamp=1.5))
    line = json.loads(download(api, task).text)
    assert (line["iter"], line["other"], line["asctime"]) == (5, {"a": [1]}, 1.5)
    assert not {"type", "task", "timestamp"} & set(line)


def test_a_format_for_json_is_not_looked_at(api: Api, started: str) -> None:
    assert download(api, started, line_format="{nonsense").text.startswith("{")


@pytest.mark.parametrize(
    ("line_format", "expected"),
    [
        ("{msg}", "started"),
        ("{asctime} {timestamp}", "1671640000000 1671640000000"),
        ("[{level:>8}] {msg:.3}|{worker:<4}|", "[    info] sta|w1  |"),
        ("{msg!r}", "'started'"),
        ("{{{msg}}}", "{started}"),
        ("constant", "constant"),
        ("{asctime:,}", "1,671,640,000,000"),
    ],
)
def test_formats(api: Api, started: str, line_format: str, expected: str) -> None:
    assert text(api, started, line_format=line_format).splitlines()[1] == expected


@pytest.mark.parametrize("line_format", ["{msg}", "{msg}\n", "{msg}\n\n\n"])
def test_a_line_ends_in_one_newline(api: Api, started: str, line_format: str) -> None:
    assert text(api, started, line_format=line_format) == "été\nstarted\n"


def test_a_message_keeps_its_own_newlines(api: Api, task: str) -> None:
    """API contract, appendix D."""
    api.add(log(task, "a\nb\n\n", timestamp=1), log(task, "{msg} {0}", timestamp=2))
    assert text(api, task, line_format="{msg}\n") == "a\nb\n\n\n{msg} {0}\n"


@pytest.mark.parametrize("missing", [ABSENT, None])
def test_missing_fields_are_empty(api: Api, task: str, missing: object) -> None:
    """API contract 5, row 22."""
    api.add(log(task, missing, level=missing, worker=None, timestamp=None))
    assert text(api, task, line_format="<{timestamp}|{level}|{worker}|{msg}>") == "<|||>\n"


BAD_FORMATS = ["{", "}", "{msg", "{}", "{0}", "{nothing}", "{task}", "{msg.x}", "{msg.__class__}", "{msg[0]}"]
BAD_FORMATS += ["{level[a]}", "{msg!x}", "{msg:{level}}"]


def test_a_number_format_leaves_what_is_no_such_number_as_it_is(api: Api, task: str) -> None:
    api.add(*(log(task, f"line {n}", timestamp=time) for n, time in enumerate((7, 7.5, None))))
    assert text(api, task, line_format="{asctime:d}|{msg!r:>9}").splitlines() == [
        "7| 'line 0'",
        "7.5| 'line 1'",
        "| 'line 2'",
    ]


@pytest.mark.parametrize("line_format", BAD_FORMATS)
def test_malformed_formats_and_unknown_names(api: Api, started: str, line_format: str) -> None:
    assert api.fail(DOWNLOAD, task=started, line_type="text", line_format=line_format) == (400, 16)


def test_an_empty_format(api: Api, started: str) -> None:
    assert api.fail(DOWNLOAD, task=started, line_type="text", line_format="") == (400, 11)


def test_the_task_is_checked_before_the_format(api: Api) -> None:
    assert api.fail(DOWNLOAD, task="x", line_type="text", line_format="{") == (400, 101)
    assert failure_of(api.raw(DOWNLOAD, {})) == (400, 12)


@pytest.mark.parametrize("line_type", ["json", "text"])
def test_no_lines_are_an_empty_file(api: Api, task: str, line_type: str) -> None:
    assert download(api, task, line_type=line_type).text == ""


def test_every_line_of_a_long_log_in_order(api: Api, task: str) -> None:
    api.add(*(log(task, str(number), timestamp=number // 3) for number in range(12_000)))
    assert text(api, task, line_format="{msg}").split() == list(map(str, range(12_000)))


def test_a_huge_width_is_no_way_to_fill_the_memory(api: Api, task: str) -> None:
    api.add(log(task))
    assert api.fail(DOWNLOAD, task=task, line_type="text", line_format="{msg:>999999999999}") == (400, 16)
