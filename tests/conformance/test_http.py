"""API contract 1: paths, methods, versions, bodies, coercion, the envelope, headers, sizes and compression."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.harness.api import HEX_32, JSON_LINES, Api, data_of, envelope_of, failure_of, json_lines, meta_of
from tests.harness.deployment import MAX_BODY_BYTES, Deployment
from tests.harness.events import column, log, scalar

MAX_VERSION = "2.34"
FORM = "application/x-www-form-urlencoded"

# --- connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/tasks.create", "/no.such_call"])
def test_a_refusal_before_the_body_leaves_the_connection(api: Api, path: str) -> None:
    """Behind a proxy, too, which else closes it unasked: the next request on it would fail."""
    address = urlsplit(api.origins.gateway)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=20) as connection:
        for _ in range(5):
            connection.sendall(head.encode())
            time.sleep(0.05)  # it could answer by now
            connection.sendall(b"{}")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            assert (answer.status in (401, 404), answer.getheader("Connection") in (None, "keep-alive")) == (True, True)


def test_a_refusal_does_not_wait_for_a_body_that_never_comes(api: Api) -> None:
    address = urlsplit(api.origins.gateway)
    head = f"POST /tasks.create HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


# --- 1.1 paths --------------------------------------------------------------------------------------------------------

GOOD_PATHS = [
    "auth.login",
    "auth.login/",
    "v2.22/auth.login",
    "v2.22/auth.login/",
    "v22/auth.login",
    "v999.0/auth.login",
    "v10.10/auth.login",
    "api/auth.login",
    "api/v2.22/auth.login",
    "auth.login?x=1",
]
BAD_PATHS = {
    "": (400, 0),
    "auth": (400, 0),
    "v2/auth.login": (400, 0),  # one digit
    "v2.22.1/auth.login": (400, 0),
    "v2.22/v2.22/auth.login": (400, 0),
    "2.22/auth.login": (400, 0),
    "vx.y/auth.login": (400, 0),
    "x/auth.login": (400, 0),
    "auth.login/x": (400, 0),
    "auth.login//": (400, 0),
    "auth.login.more": (400, 0),
    "1auth.login": (400, 0),
    "auth.1login": (400, 0),
    "a.login": (400, 0),  # at least two characters
    "auth-x.login": (400, 0),
    "%C3%A9vents.add": (400, 0),
    "v02.09/auth.login": (400, 2),
    "v2.09/auth.login": (400, 2),
    "_x.y1": (404, 0),
    "Auth.login": (404, 0),
    "auth.Login": (404, 0),
    "auth.nothing": (404, 0),
    "nothing.login": (404, 0),
}


@pytest.mark.parametrize("path", GOOD_PATHS)
def test_a_path_has_an_optional_version_and_trailing_slash(api: Api, path: str) -> None:
    for origin in api.origins.all():
        assert data_of(api.ask(f"{origin}/{path}", {}))["token"]


@pytest.mark.parametrize(("path", "expected"), BAD_PATHS.items())
def test_other_paths_are_refused(api: Api, path: str, expected: tuple[int, int]) -> None:
    for origin in api.origins.all():
        assert failure_of(api.ask(f"{origin}/{path}", {})) == expected


# --- 1.2 methods ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_every_method_is_the_same_call(api: Api, task: str, method: str) -> None:
    api.add(log(task, "one"))
    answer = data_of(api.raw("events.get_task_log", {"task": task}, method=method))
    assert (answer["returned"], answer["total"], answer["events"][0]["msg"]) == (1, 1, "one")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_every_method_takes_json_lines(api: Api, task: str, method: str) -> None:
    assert api.batch([log(task), log(task)], method=method) == {"added": 2, "errors": 0, "errors_info": {}}


def test_a_get_without_body_takes_the_query_string(api: Api, task: str) -> None:
    answer = data_of(api.raw("events.get_task_log", method="GET", params={"task": task}))
    assert answer == {"events": [], "returned": 0, "total": 0}


def test_head_runs_the_call_and_answers_without_body(api: Api, task: str) -> None:
    response = api.raw("events.add", method="HEAD", params={"task": task, "type": "log", "msg": "by head"})
    assert (response.status_code, response.content) == (200, b"")
    assert column(api.logs(task), "msg") == ["by head"]


@pytest.mark.parametrize("path", ["v2.22/events.add", "no.such", "not a path", ""])
def test_options_answers_any_path_with_nothing(api: Api, path: str) -> None:
    for origin in api.origins.all():
        response = api.ask(f"{origin}/{path}", method="OPTIONS", auth=False)
        assert (response.status_code, response.content) == (200, b"")


# --- 1.3 versions -----------------------------------------------------------------------------------------------------

# action: its implementations' minimum versions
IMPLEMENTATIONS = {
    "events.add": ["1.0"],
    "events.add_batch": ["1.0"],
    "events.debug_images": ["1.0", "1.8", "2.7"],
    "events.plots": ["1.0"],
    "events.get_debug_image_sample": ["2.12"],
    "events.next_debug_image_sample": ["2.12"],
    "events.get_plot_sample": ["1.0"],
    "events.next_plot_sample": ["1.0"],
    "events.get_task_metrics": ["1.0"],
    "events.get_multi_task_metrics": ["1.0"],
    "events.get_task_log": ["1.0", "1.7", "2.9"],
    "events.get_task_events": ["1.0"],
    "events.download_task_log": ["1.0"],
    "events.get_task_plots": ["1.0", "1.8"],
    "events.get_multi_task_plots": ["1.0", "1.8"],
    "events.get_vector_metrics_and_variants": ["1.0"],
    "events.get_scalar_metrics_and_variants": ["1.0"],
    "events.vector_metrics_iter_histogram": ["1.0"],
    "events.scalar_metrics_iter_histogram": ["1.0"],
    "events.multi_task_scalar_metrics_iter_histogram": ["1.0"],
    "events.get_task_single_value_metrics": ["1.0"],
    "events.get_task_latest_scalar_values": ["1.0"],
    "events.get_scalar_metric_data": ["1.0"],
    "events.scalar_metrics_iter_raw": ["2.16"],
    "events.clear_scroll": ["2.18"],
    "events.clear_task_log": ["1.0"],
    "events.delete_for_task": ["1.0"],
    "events.delete_for_model": ["1.0"],
}
REQUESTED = [
    "1.0",
    "1.7",
    "1.8",
    "1.10",
    "2.0",
    "2.1",
    "2.6",
    "2.7",
    "2.8",
    "2.9",
    "2.10",
    "2.12",
    "2.18",
    "2.22",
    "999.0",
]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@pytest.mark.parametrize("action", IMPLEMENTATIONS)
def test_the_newest_implementation_not_above_the_requested_version_answers(api: Api, action: str) -> None:
    for requested in REQUESTED:
        fitting = [known for known in IMPLEMENTATIONS[action] if numbers(known) <= numbers(requested)]
        response = api.raw(action, {}, version=requested)
        if not fitting:
            assert response.status_code == 404, requested
            continue
        shown: tuple[Any, Any] = (requested, max(fitting, key=numbers))
        if numbers(requested) < (2, 1):
            shown = (float(requested), float(shown[1]))
        endpoint = envelope_of(response)["meta"]["endpoint"]
        assert (endpoint["requested_version"], endpoint["actual_version"]) == shown
        assert [type(version) for version in shown] == [type(endpoint["requested_version"])] * 2


@pytest.mark.parametrize("action", IMPLEMENTATIONS)
def test_below_every_implementation_there_is_none(api: Api, action: str) -> None:
    response = api.raw(action, {}, version="0.9")
    assert failure_of(response) == (404, 0)
    assert meta_of(response)["endpoint"] == {"name": action, "requested_version": 0.9, "actual_version": None}


@pytest.mark.parametrize(
    ("action", "version"),
    [
        ("events.get_debug_image_sample", "2.11"),
        ("events.next_debug_image_sample", "2.11"),
        ("events.scalar_metrics_iter_raw", "2.15"),
        ("events.clear_scroll", "2.17"),
    ],
)
def test_one_below_the_minimum_is_unknown(api: Api, action: str, version: str) -> None:
    assert api.fail(action, version=version) == (404, 0)


def test_without_a_version_the_maximum_is_requested(api: Api) -> None:
    endpoint = meta_of(api.raw("events.get_task_log", {}, version=None))["endpoint"]
    assert endpoint == {"name": "events.get_task_log", "requested_version": MAX_VERSION, "actual_version": "2.9"}


def test_an_unknown_endpoint_is_unknown_before_any_authentication(nobody: Api) -> None:
    response = nobody.raw("events.no_such", {})
    assert failure_of(response) == (404, 0)
    assert meta_of(response)["endpoint"]["actual_version"] is None


def test_parameters_are_not_gated_by_versions(api: Api, task: str) -> None:
    """API contract 1.3: the version keys of the schema are documentation."""
    api.add(log(task, "with", metric="a"), log(task, "without"))
    answer = api.call("events.get_task_log", version="2.9", task=task, metrics=[{"metric": "a"}], no_such=1)
    assert column(answer["events"], "msg") == ["with"]


# --- 1.4 order of processing ------------------------------------------------------------------------------------------


def test_each_step_of_processing_wins_over_the_later_ones(api: Api) -> None:
    wrong: dict[str, str] = {}
    url, content, query = api.url("events.get_task_log"), b"{", {"task": "x"}

    def ask(target: str = url) -> httpx.Response:
        return api.ask(target, content=content, headers=wrong, params=query, auth="Authorization" not in wrong)

    assert failure_of(ask()) == (400, 0)  # the body, though the task does not exist
    wrong |= {"X-Clearml-Impersonate-As": "a", "X-Clearml-Act-As": "b"}
    assert failure_of(ask()) == (400, 5)
    wrong["Authorization"] = "Bearer nonsense"
    assert failure_of(ask()) == (401, 30)
    assert failure_of(ask(api.url("events.no_such"))) == (404, 0)
    assert failure_of(ask(f"{api.origins.query}/v2/events.get_task_log")) == (400, 0)
    wrong["Content-Encoding"] = "gzip"
    assert ask(f"{api.origins.query}/v2/events.get_task_log").status_code == 415


# --- 1.4 JSON bodies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "application/json; charset=utf-8", "text/plain", "application/x-ndjson", "nonsense"],
)
def test_any_other_content_type_is_one_json_document(api: Api, task: str, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = api.raw("events.get_task_log", content=json.dumps({"task": task}).encode(), headers=headers)
    assert data_of(response)["total"] == 0


def test_ndjson_is_no_batch(api: Api, task: str) -> None:
    lines = [log(task), log(task)]
    headers = {"Content-Type": "application/x-ndjson"}
    assert failure_of(api.raw_batch(lines, headers=headers)) == (400, 0)  # trailing garbage
    assert api.logs(task) == []


@pytest.mark.parametrize(
    "content_type", ["application/json-lines; charset=utf-8", "Application/JSON-Lines", "application/json-lines ;x=y"]
)
def test_json_lines_are_known_by_the_media_type_alone(api: Api, task: str, content_type: str) -> None:
    assert api.batch([log(task), log(task)], headers={"Content-Type": content_type})["added"] == 2


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'""', b"0", b"false", b"{}", b" {} \n", b'{"x": NaN}'])
def test_an_empty_document_of_any_type_is_no_parameters(api: Api, content: bytes) -> None:
    assert data_of(api.raw("auth.login", content=content))["token"]


@pytest.mark.parametrize("content", [b"[1]", b"[{}]", b'"x"', b"1", b"-1.5", b"true"])
def test_a_document_that_is_no_object_is_refused(api: Api, content: bytes) -> None:
    assert failure_of(api.raw("auth.login", content=content)) == (400, 12)
    assert failure_of(api.raw("auth.login", content=content, params={"x": 1})) == (400, 12)


@pytest.mark.parametrize(
    "content", [b"{", b"{}{}", b"{} x", b"{'a': 1}", b'{"a": 1,}', b"\xff", b'{"a": "\xff"}', b"nul"]
)
def test_what_is_not_json_is_malformed(api: Api, content: bytes) -> None:
    assert failure_of(api.raw("auth.login", content=content)) == (400, 0)


def test_deep_nesting_is_no_fault_of_the_server(api: Api) -> None:
    deep = b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    assert failure_of(api.raw("users.get_current_user", content=deep))[0] == 400


# --- 1.4 query strings and forms --------------------------------------------------------------------------------------


def test_the_query_string_wins_over_the_body(api: Api, task: str) -> None:
    api.add(log(task, "a", timestamp=1), log(task, "b", timestamp=2))
    response = api.raw("events.get_task_log", {"task": "x", "order": "desc"}, params={"task": task, "order": "asc"})
    assert column(data_of(response)["events"], "msg") == ["a", "b"]


def test_a_form_wins_over_the_query_string(api: Api, task: str) -> None:
    form = {"task": task, "order": "asc"}
    answer = data_of(api.raw("events.get_task_log", params={"task": "x", "order": "zz"}, data=form))
    assert answer["total"] == 0


def test_a_multipart_form_is_a_form(api: Api, task: str) -> None:
    files = {"task": (None, task), "batch_size": (None, "3")}
    assert data_of(api.raw("events.get_task_log", files=files))["total"] == 0


def test_a_form_is_no_json_document(api: Api, task: str) -> None:
    content = json.dumps({"task": task}).encode()
    assert failure_of(api.raw("events.get_task_log", content=content, headers={"Content-Type": FORM})) == (400, 12)


def test_dots_in_a_key_nest(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 0.5, "loss"), scalar(task, 1, 0.7, "acc"))
    query = {"task": task, "metric.metric": "loss", "metric.variants[]": "v"}
    answer = data_of(api.raw("events.scalar_metrics_iter_raw", method="GET", params=query))
    assert answer["variants"] == {"v": {"y": [0.5], "iter": [1]}}


def test_a_repeated_key_and_one_with_brackets_is_a_list(api: Api, task: str) -> None:
    other = api.create_task()
    for query in ([("tasks", task), ("tasks", other)], [("tasks[]", task)], [("tasks[]", task), ("tasks[]", other)]):
        answer = data_of(api.raw("events.multi_task_scalar_metrics_iter_histogram", method="GET", params=query))
        assert answer == {"metrics": {}}
    single = api.raw("events.multi_task_scalar_metrics_iter_histogram", method="GET", params={"tasks": task})
    assert failure_of(single) == (400, 12)


def test_values_that_look_like_numbers_are_numbers(api: Api, task: str) -> None:
    event = {"task": task, "type": "log", "whole": "12", "float": "1.5", "dot": "7.", "minus": "-3", "word": "1e3"}
    data_of(api.raw("events.add", method="GET", params=event))
    stored = api.logs(task)[0]
    assert [stored[name] for name in ("whole", "float", "dot", "minus", "word")] == [12, 1.5, 7.0, "-3", "1e3"]
    assert [type(stored[name]) for name in ("whole", "float", "dot")] == [int, float, float]


def test_a_task_id_of_digits_in_a_query_is_a_number(api: Api) -> None:
    assert failure_of(api.raw("events.get_task_log", params={"task": "12345"})) == (400, 12)


@pytest.mark.parametrize(
    ("value", "texts"),
    [(True, ["true", "True", "TRUE"]), (False, ["false", "False", "FALSE"]), ("tRue", ["tRue"]), ("no", ["no"])],
)
def test_three_spellings_of_booleans_in_a_query(api: Api, task: str, value: object, texts: list[str]) -> None:
    for text in texts:
        data_of(api.raw("events.add", params={"task": task, "type": "log", "flag": text}))
    assert column(api.logs(task), "flag") == [value] * len(texts)


def test_a_negative_number_in_a_query_becomes_an_integer_field(api: Api, task: str) -> None:
    api.add(log(task))
    assert data_of(api.raw("events.clear_task_log", params={"task": task, "threshold_sec": "-100"})) == {"deleted": 1}


# --- 1.4 json lines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", [True, False])
def test_lines_end_in_any_of_three_ways(api: Api, task: str, separator: str, end: bool) -> None:
    content = separator.join(map(json.dumps, [log(task, "a"), scalar(task), log(task, "b")])) + separator * end
    response = api.raw("events.add_batch", content=content.encode(), headers={"Content-Type": JSON_LINES})
    assert data_of(response) == {"added": 3, "errors": 0, "errors_info": {}}
    assert column(api.logs(task), "msg") == ["a", "b"]


BAD_LINES = {
    "blank": "",
    "only spaces": "  ",
    "malformed": '{"type":',
    "two objects": "{}{}",
    "object and garbage": "{} x",
    "object over two lines": '{"a":\n1}',
    "lone surrogate": '{"msg": "\\ud800"}',
    "lone low surrogate": '{"msg": "\\uDC00 x"}',
    "number overflow": '{"x": 1e400}',
    "negative overflow": '{"x": -1e400}',
    "list": "[1]",
    "empty list": "[]",
    "null": "null",
    "number": "5",
    "string": '"x"',
    "true": "true",
    "single quotes": "{'a': 1}",
    "deep": '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_one_bad_line_fails_the_request_and_nothing_is_stored(api: Api, task: str, line: str) -> None:
    assert api.fail_batch([log(task), line, log(task)]) == (400, 0)
    assert api.fail_batch([line, log(task)]) == (400, 0)
    assert api.logs(task) == []


def test_a_second_final_newline_is_a_blank_line(api: Api, task: str) -> None:
    assert api.fail_batch([log(task), "", ""]) == (400, 0)
    assert api.batch([log(task), ""])["added"] == 1


def test_invalid_utf8_fails_the_request(api: Api, task: str) -> None:
    content = json_lines([log(task)]) + b'\n{"type":"log","task":"x","msg":"\xff"}'
    assert failure_of(api.raw("events.add_batch", content=content, headers={"Content-Type": JSON_LINES})) == (400, 0)
    assert api.logs(task) == []


def test_the_line_parser_takes_nan(api: Api, task: str) -> None:
    line = json.dumps(log(task, other=float("nan"), more=[float("inf"), -float("inf")]))
    assert "NaN" in line
    assert api.batch([line])["added"] == 1
    assert column(api.logs(task), "msg") == ["line"]


def test_paired_surrogates_are_a_character(api: Api, task: str) -> None:
    line = json.dumps(log(task, "\U0001f600"))
    assert "\\ud83d\\ude00" in line
    api.batch([line])
    assert column(api.logs(task), "msg") == ["\U0001f600"]


def test_no_lines_are_an_empty_batch(api: Api) -> None:
    assert api.fail_batch([]) == (400, 17)


def test_query_parameters_are_no_part_of_json_lines(api: Api, task: str) -> None:
    assert api.batch([log(task, "own")], params={"msg": "other", "task": "x"})["added"] == 1
    assert column(api.logs(task), "msg") == ["own"]


def test_json_lines_to_another_endpoint(api: Api, task: str) -> None:
    lines, headers = json_lines([log(task)]), {"Content-Type": JSON_LINES}
    assert failure_of(api.raw("events.get_task_log", content=lines, headers=headers)) == (400, 12)
    assert failure_of(api.raw("events.add", content=lines, headers=headers)) == (400, 131)
    assert api.logs(task) == []


def test_a_single_object_is_a_batch_of_one(api: Api, task: str) -> None:
    assert api.call("events.add_batch", log(task)) == {"added": 1, "errors": 0, "errors_info": {}}


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null"])
def test_an_empty_document_is_an_empty_batch(api: Api, content: bytes) -> None:
    assert failure_of(api.raw("events.add_batch", content=content)) == (400, 17)


def test_an_array_is_no_batch(api: Api, task: str) -> None:
    assert failure_of(api.raw("events.add_batch", [log(task)])) == (400, 12)


# --- 1.5 coercion -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [5, 1.5, True, ["x"], {"a": 1}])
def test_a_string_is_only_a_string(api: Api, value: object) -> None:
    assert api.fail("events.get_task_log", task=value) == (400, 12)


def test_null_is_absent_and_the_empty_string_a_value(api: Api) -> None:
    assert api.fail("events.get_task_log") == (400, 12)
    assert api.fail("events.get_task_log", task=None) == (400, 12)
    assert api.fail("events.get_task_log", task="") == (400, 101)


@pytest.fixture(scope="module")
def named(api: Api) -> str:
    """A task with three log lines of different names and times."""
    task = api.create_task()
    names = ("a1", "a2", "b1")
    api.add(*(log(task, name, metric=name[0], variant=name[1], timestamp=n) for n, name in enumerate(names, 1)))
    return task


@pytest.mark.parametrize(("value", "count"), [(2, 2), (2.9, 2), ("2", 2), (True, 1), (False, 0), (None, 3)])
def test_integers_are_lenient(api: Api, named: str, value: object, count: int) -> None:
    assert api.call("events.get_task_log", task=named, batch_size=value)["returned"] == count


@pytest.mark.parametrize("value", ["two", "", [2], {"a": 2}])
def test_what_is_no_integer_is_refused(api: Api, task: str, value: object) -> None:
    assert api.fail("events.get_task_log", task=task, batch_size=value) == (400, 12)


@pytest.mark.parametrize(
    ("value", "earlier"),
    [(True, True), (False, False), (1, True), (0, False), ("true", True), ("TRUE", True), ("1", True), (None, False)],
)
def test_booleans_are_lenient(api: Api, named: str, value: object, earlier: bool) -> None:
    answer = api.call("events.get_task_log", task=named, navigate_earlier=value)
    assert column(answer["events"], "timestamp") == ([3, 2, 1] if earlier else [1, 2, 3])


@pytest.mark.parametrize("value", ["ASC", "Asc", "ascending", "", 1, ["asc"]])
def test_an_enum_is_exact(api: Api, task: str, value: object) -> None:
    assert api.fail("events.get_task_log", task=task, order=value) == (400, 12)


def test_a_null_enum_is_the_default(api: Api, task: str) -> None:
    api.add(scalar(task, 3))
    assert api.call("events.scalar_metrics_iter_histogram", task=task, key=None)["m"]["v"]["x"] == [3]


@pytest.mark.parametrize("value", ["x", {"0": "x"}, 5, [5], [None], [["x"]]])
def test_a_list_is_a_list_and_its_items_are_checked(api: Api, value: object) -> None:
    assert api.fail("events.multi_task_scalar_metrics_iter_histogram", tasks=value) == (400, 12)


def test_a_null_list_is_empty(api: Api, task: str) -> None:
    assert api.fail("events.multi_task_scalar_metrics_iter_histogram", tasks=None) == (400, 12)
    api.add(log(task, metric="a"))
    assert api.call("events.clear_task_log", task=task, include_metrics=None) == {"deleted": 1}


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (None, ["a1", "a2", "b1"]),
        ([], ["a1", "a2", "b1"]),
        ([{"metric": "a"}], ["a1", "a2"]),
        ([{"metric": "a", "variants": None}], ["a1", "a2"]),
        ([{"metric": "a", "variants": []}], ["a1", "a2"]),
        ([{"metric": "a", "variants": ["2"]}], ["a2"]),
        ([{"metric": "a", "variants": ["2", "3"]}, {"metric": "b"}], ["a2", "b1"]),
        ([{"metric": "a", "variants": ["1"]}, {"metric": "a", "variants": ["2"]}], ["a2"]),
        ([{"metric": "a", "variants": ["1"]}, {"metric": "a"}], ["a1", "a2"]),
        ([{"metric": "c"}], []),
        ([{"metric": "b", "variants": ["2"]}], []),
    ],
)
def test_the_metric_filter(api: Api, named: str, metrics: object, expected: list[str]) -> None:
    """Also API contract 3.0.3."""
    assert column(api.logs(named, metrics=metrics), "msg") == expected


@pytest.mark.parametrize(
    "metrics",
    [
        "a",
        ["a"],
        {"metric": "a"},
        [{}],
        [{"metric": None}],
        [{"metric": 1}],
        [{"metric": "a", "variants": "b"}],
        [{"metric": "a", "variants": [1]}],
    ],
)
def test_a_malformed_metric_filter_is_refused(api: Api, task: str, metrics: object) -> None:
    assert api.fail("events.get_task_log", task=task, metrics=metrics) == (400, 12)


# --- 1.6 envelope -----------------------------------------------------------------------------------------------------


def test_the_envelope_of_a_success(api: Api, task: str) -> None:
    response = api.raw("events.add", log(task), version="2.22")
    body = envelope_of(response)
    call_id = body["meta"].pop("id")
    assert body == {
        "meta": {
            "trx": call_id,
            "endpoint": {"name": "events.add", "requested_version": "2.22", "actual_version": "1.0"},
            "result_code": 200,
            "result_subcode": 0,
            "result_msg": "OK",
            "error_stack": None,
            "error_data": {},
        },
        "data": {"added": 1, "errors": 0, "errors_info": {}},
    }
    assert response.headers["Server"] == "clearml"
    assert "Accept-Encoding" in response.headers["Vary"]


def test_every_call_has_an_id_of_its_own(api: Api) -> None:
    first, second = (meta_of(api.raw("auth.login", {}))["id"] for _ in range(2))
    assert first != second
    assert HEX_32.fullmatch(first)


def test_the_transaction_header_is_echoed(api: Api) -> None:
    both = {"X-Clearml-Trx": "new", "X-Trains-Trx": "old"}
    assert meta_of(api.raw("auth.login", {}, headers=both))["trx"] == "new"
    assert meta_of(api.raw("auth.login", {}, headers={"x-trains-trx": "old"}))["trx"] == "old"
    assert meta_of(api.raw("events.get_task_log", {}, headers=both))["trx"] == "new"


def test_the_answer_is_compact_ascii(api: Api, task: str) -> None:
    api.add(log(task, "\u00fc \U0001f600 \u2028"))
    content = api.raw("events.get_task_log", {"task": task}).content
    assert b"\\u00fc \\ud83d\\ude00 \\u2028" in content.lower()
    assert content.isascii()
    assert content == json.dumps(json.loads(content), separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("requested", "shown"), [("1.0", [1.0, 1.0]), ("1.10", [1.1, 1.7]), ("2.0", [2.0, 1.7]), ("2.1", ["2.1", "1.7"])]
)
def test_versions_are_numbers_below_2_1_and_texts_above(api: Api, task: str, requested: str, shown: list[Any]) -> None:
    endpoint = meta_of(api.raw("events.get_task_log", {"task": task}, version=requested))["endpoint"]
    assert [endpoint["requested_version"], endpoint["actual_version"]] == shown
    assert type(endpoint["requested_version"]) is type(shown[0])


def test_the_envelope_of_an_unreadable_path(api: Api) -> None:
    endpoint = meta_of(api.ask(f"{api.origins.query}/v2/events.add", {}))["endpoint"]
    assert endpoint == {"name": "", "requested_version": 1.0, "actual_version": None}
    assert isinstance(endpoint["requested_version"], float)


def test_errors_have_the_same_envelope(api: Api, nobody: Api) -> None:
    for response in (
        api.raw("events.get_task_log", {}),
        api.raw("events.add_batch", {}),
        nobody.raw("events.get_task_log", {}),
        nobody.raw("auth.login", {}),
    ):
        meta = envelope_of(response)["meta"]
        assert meta["result_msg"] not in ("", "OK")
        assert meta["endpoint"]["requested_version"] == "999.0"
        assert meta["endpoint"]["actual_version"] is not None


# --- 1.8 headers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "worker"),
    [
        ({}, "<unknown>"),
        ({"X-Clearml-Worker": "a"}, "a"),
        ({"X-Trains-Worker": "b"}, "b"),
        ({"x-trains-worker": "b", "x-clearml-worker": "a"}, "a"),
    ],
)
def test_the_worker_header_is_the_default_of_events(api: Api, task: str, headers: dict[str, str], worker: str) -> None:
    api.batch([log(task), log(task, worker="own"), scalar(task)], headers=headers)
    assert column(api.logs(task), "worker") == [worker, "own"]
    api.raw("events.add", log(task, "added"), headers=headers)
    assert api.logs(task)[-1]["worker"] == worker


def test_the_async_header_has_no_effect(api: Api, task: str) -> None:
    response = api.raw("events.add", log(task), headers={"X-Clearml-Async": "1", "X-Trains-Async": "1"})
    assert data_of(response)["added"] == 1
    assert len(api.logs(task)) == 1


def test_the_end_of_a_connection_is_announced(api: Api) -> None:
    """The SDK shares its sockets with a process that it forks: either the connection stays, or the answer says so."""
    connection = http.client.HTTPConnection(urlsplit(api.url("auth.login")).netloc, timeout=20)
    headers = {"Authorization": f"Bearer {api.token}", "X-Clearml-Client": "clearml-2.1.12"}
    for _ in range(5):
        connection.request("GET", "/auth.login", headers=headers)
        response = connection.getresponse()
        assert (response.status, bool(response.read())) == (200, True)
    connection.close()


# --- 1.9 compression, sizes, other origins ----------------------------------------------------------------------------


ENCODINGS = ["gzip", "deflate", "br", "BR", "GZip", "zstd", "identity", "compress", "gzip, br", "x"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("action", ["events.add_batch", "events.get_task_log", "auth.login", "no.such"])
def test_an_encoded_request_is_refused_in_plain_text(nobody: Api, encoding: str, action: str) -> None:
    response = nobody.raw(action, {}, headers={"Content-Encoding": encoding})
    assert response.status_code == 415
    assert response.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_files_server_refuses_encoded_forms_too(eventide: Deployment, encoding: str) -> None:
    keys = (eventide.credentials.access_key, eventide.credentials.secret_key)
    files, headers = {"/encoded/file.txt": b"text"}, {"Content-Encoding": encoding}
    response = httpx.post(eventide.files, files=files, headers=headers, auth=keys, timeout=20)
    assert response.status_code == 415
    assert httpx.get(f"{eventide.files}/encoded/file.txt", auth=keys, timeout=20).status_code == 404


def test_a_second_encoding_is_not_hidden_by_an_empty_one(nobody: Api) -> None:
    connection = http.client.HTTPConnection(urlsplit(nobody.url("auth.login")).netloc, timeout=20)
    connection.putrequest("POST", "/auth.login")
    for value in ("", "br"):
        connection.putheader("Content-Encoding", value)
    connection.endheaders()
    assert connection.getresponse().status == 415
    connection.close()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_long_answer_is_compressed_as_asked(api: Api, task: str, encoding: str) -> None:
    api.add(log(task, "x" * 1000))
    response = api.raw("events.get_task_log", {"task": task}, headers={"Accept-Encoding": encoding})
    assert response.headers["Content-Encoding"] == encoding
    assert int(response.headers["Content-Length"]) < 1000
    assert data_of(response)["events"][0]["msg"] == "x" * 1000


def test_what_is_short_or_not_asked_for_is_not_compressed(api: Api, task: str) -> None:
    short = api.raw("events.get_task_log", {"task": task}, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in short.headers
    api.add(log(task, "x" * 1000))
    plain = api.raw("events.get_task_log", {"task": task}, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


def test_a_slice_of_15_mib_is_taken_whole(api: Api, task: str) -> None:
    """What the SDK sends at most, ending in a newline."""
    size = 15_728_640 // 4
    lines = [log(task, "x" * (size - 200), timestamp=number) for number in range(4)]
    content = json_lines(lines) + b"\n"
    response = api.raw("events.add_batch", content=content, headers={"Content-Type": JSON_LINES})
    assert data_of(response)["added"] == 4
    assert [len(message) for message in column(api.logs(task), "msg")] == [size - 200] * 4


def test_beyond_the_limit_a_body_is_refused_before_it_is_read(api: Api) -> None:
    address = urlsplit(api.url("events.add_batch"))
    connection = http.client.HTTPConnection(address.netloc, timeout=20)
    connection.putrequest("POST", address.path)
    for name, value in {"Authorization": f"Bearer {api.token}", "Content-Type": JSON_LINES}.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(MAX_BODY_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
def test_own_pages_are_allowed_with_credentials(api: Api, method: str) -> None:
    origin = api.origins.of("auth.login")
    response = api.raw("auth.login", {}, method=method, headers={"Origin": origin})
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Access-Control-Allow-Credentials"] == "true"


def test_errors_too_are_readable_for_own_pages(nobody: Api) -> None:
    origin = nobody.origins.of("events.get_task_log")
    response = nobody.raw("events.get_task_log", {}, headers={"Origin": origin})
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (401, origin)


def test_without_an_origin_there_is_nothing_to_allow(api: Api) -> None:
    assert "Access-Control-Allow-Origin" not in api.raw("auth.login", {}).headers
