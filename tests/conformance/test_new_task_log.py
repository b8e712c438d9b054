"""Eventide's own ``events.get_new_task_log``: lines in the order of writing."""

from __future__ import annotations

from tests.harness.api import Api
from tests.harness.events import log

ACTION = "events.get_new_task_log"


def test_lines_come_in_the_order_of_writing(api: Api, task: str) -> None:
    api.add(log(task, "before", timestamp=5000))
    start = api.call(ACTION, task=task)
    assert (start["events"], start["returned"]) == ([], 0)
    for timestamp in (9000, 1000, 5000):
        api.add(log(task, f"at {timestamp}", timestamp=timestamp))
    first = api.call(ACTION, task=task, after=start["position"], batch_size=2)
    rest = api.call(ACTION, task=task, after=first["position"])
    assert [event["msg"] for event in first["events"] + rest["events"]] == ["at 9000", "at 1000", "at 5000"]
    end = api.call(ACTION, task=task, after=rest["position"])
    assert (end["events"], end["position"]) == ([], rest["position"])


def test_a_line_that_is_written_again_is_no_new_one(api: Api, task: str) -> None:
    line = log(task, "once", timestamp=1000)
    api.batch([line], headers={"Idempotency-Key": "a"})
    position = api.call(ACTION, task=task)["position"]
    api.batch([line], headers={"Idempotency-Key": "a"})
    assert api.call(ACTION, task=task, after=position)["events"] == []


def test_search_levels_and_deletions(api: Api, task: str) -> None:
    start = api.call(ACTION, task=task)["position"]
    api.add(log(task, "one", level="error", timestamp=1), log(task, "another", level="info", timestamp=2))
    found = api.call(ACTION, task=task, after="0", levels=["error"])["events"]
    assert [event["msg"] for event in found] == ["one"]
    assert len(api.call(ACTION, task=task, after="0", search="ANO")["events"]) == 1
    api.call("events.clear_task_log", task=task, allow_locked=True)
    assert api.call(ACTION, task=task, after=start or "0")["events"] == []


def test_others_are_told_nothing(api: Api, stranger: Api, task: str) -> None:
    assert stranger.fail(ACTION, task=task)[0] == 400
    assert api.fail(ACTION, task=task, after="x") == (400, 12)


def test_pages_by_timestamp_tell_the_positions(api: Api, task: str) -> None:
    start = api.call(ACTION, task=task)["position"]
    api.add(log(task, "late", timestamp=2000), log(task, "early", timestamp=1000))
    page = api.call("events.get_task_log", task=task, positions=True, navigate_earlier=False)
    assert [event["msg"] for event in page["events"]] == ["early", "late"]
    early, late = map(int, page["positions"])
    assert int(start) < late < early
    assert "positions" not in api.call("events.get_task_log", task=task)
