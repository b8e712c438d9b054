"""Updates of many tasks in one request: a line for each, all or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.harness.api import JSON_LINES, Api, Data, data_of, failure_of, json_lines
from tests.harness.events import column

UNKNOWN = "0" * 32
LINES = {"Content-Type": JSON_LINES}


def update(api: Api, *lines: Any) -> Data:
    """The answer to a batch."""
    return data_of(api.raw("tasks.update_batch", content=json_lines(lines), headers=LINES))


def refusal(api: Api, content: bytes, media_type: str = JSON_LINES) -> tuple[int, int]:
    """Code and subcode of a batch that is refused."""
    return failure_of(api.raw("tasks.update_batch", content=content, headers={"Content-Type": media_type}))


def names(api: Api, tasks: list[str]) -> list[str]:
    return [api.task(task)["name"] for task in tasks]


def test_a_line_for_each_task(api: Api) -> None:
    project = api.call("projects.create", name=f"batch of {api.create_task()}")["id"]
    tasks = [api.create_task(f"before {number}") for number in range(3)]
    before = column(map(api.task, tasks), "last_change")
    lines = [{"task": task, "name": f"after {number}", "project": project} for number, task in enumerate(tasks)]
    lines[2] |= {"tags": ["b", "a"], "comment": "said", "method": "get", "hyperparams": {}}
    assert update(api, *lines) == {"updated": 3}
    assert names(api, tasks) == ["after 0", "after 1", "after 2"]
    found = api.task(tasks[2])
    assert (found["tags"], found["comment"], found["project"]) == (["a", "b"], "said", project)
    assert all(
        later > earlier for later, earlier in zip(column(map(api.task, tasks), "last_change"), before, strict=True)
    )


def test_of_several_lines_about_a_task_the_last_counts(api: Api) -> None:
    task = api.create_task()
    assert update(api, {"task": task, "name": "first", "comment": "c"}, {"task": task, "name": "second"}) == {
        "updated": 1
    }
    assert (api.task(task)["name"], api.task(task).get("comment")) == ("second", "")


def test_what_changes_nothing_is_not_counted(api: Api) -> None:
    one, other = api.create_task("one"), api.create_task("other")
    assert update(api, {"task": one}, {"task": other, "name": "changed"}) == {"updated": 1}
    assert update(api, {"task": one, "last_iteration": 5}) == {"updated": 0}


def test_one_as_a_document(api: Api) -> None:
    task = api.create_task()
    body = {"task": task, "name": "as a document"}
    assert data_of(api.raw("tasks.update_batch", body)) == {"updated": 1}
    assert api.task(task)["name"] == "as a document"


@pytest.mark.parametrize(
    ("line", "failure"),
    [
        ({"task": UNKNOWN, "name": "any"}, (400, 101)),
        ({"name": "no task"}, (400, 12)),
        ({"task": "mine", "name": 5}, (400, 12)),
        ({"task": "mine", "name": "ab"}, (400, 800)),
        ({"task": "mine", "project": UNKNOWN}, (400, 401)),
        (["a list"], (400, 0)),
        ("not JSON", (400, 0)),
    ],
)
def test_one_bad_line_refuses_all(api: Api, line: Any, failure: tuple[int, int]) -> None:
    task, other = api.create_task("kept"), api.create_task("kept")
    if isinstance(line, dict):
        line |= {"task": other} if line.get("task") == "mine" else {}
    bad = line if isinstance(line, str) else json.dumps(line)
    assert refusal(api, json_lines([{"task": task, "name": "changed"}, bad])) == failure
    assert names(api, [task, other]) == ["kept", "kept"]


def test_others_tasks_are_unknown_and_public_ones_cannot_be_changed(api: Api, stranger: Api) -> None:
    own, theirs, public = api.create_task("kept"), stranger.create_task("kept"), stranger.create_task("kept")
    stranger.call("tasks.make_public", ids=[public])
    for task, failure in ((theirs, (400, 101)), (public, (403, 21))):
        for fields in ({"name": "changed"}, {}):
            assert refusal(api, json_lines([{"task": own, "name": "changed"}, {"task": task} | fields])) == failure
    assert names(api, [own]) == names(stranger, [theirs]) == ["kept"]
    stranger.call("tasks.make_private", ids=[public])


def test_batches_that_are_none(api: Api) -> None:
    assert refusal(api, b"") == refusal(api, b"{}", "application/json") == (400, 17)
    assert refusal(api, b"x", "application/vnd.apache.arrow.stream") == (400, 12)
    line = json.dumps({"task": api.create_task(), "name": "same"})
    assert refusal(api, json_lines([line] * 1001)) == (400, 12)
