"""How many events of a task were refused is told by the task (API contract 2.7)."""

from __future__ import annotations

import secrets

from tests.harness.api import Api, Data, until
from tests.harness.deployment import Deployment
from tests.harness.events import scalar

REASON = "Invalid value: a finite 32-bit float is expected"
TOO_LARGE = 1e39  # as NaN and infinities, it is no 32-bit float


def refused(api: Api, task: str) -> Data:
    shown: Data = api.call("tasks.get_by_id", task=task, only_fields=["refused_events"])["task"]
    return dict(shown.get("refused_events", {}))


def test_refused_events_are_counted_by_reason(api: Api, task: str) -> None:
    other = api.create_task("whole")
    api.batch([scalar(task, 0, 1.0), *(scalar(task, step, TOO_LARGE) for step in range(1, 4)), scalar(other, 0, 1.0)])
    until(lambda: refused(api, task) == {REASON: 3})
    response = api.raw("events.add", scalar(task, 9, TOO_LARGE))
    assert response.json()["meta"]["result_subcode"] == 131
    until(lambda: refused(api, task) == {REASON: 4})  # also of a batch of which nothing was stored
    assert refused(api, other) == {}


def test_a_reset_forgets_them_and_a_copy_has_none(api: Api, task: str) -> None:
    api.batch([scalar(task, 0, 1.0), scalar(task, 1, TOO_LARGE)])
    until(lambda: refused(api, task) == {REASON: 1})
    copy = api.call("tasks.clone", task=task, new_task_name="copy")["id"]
    assert refused(api, copy) == {}
    api.call("tasks.reset", task=task, force=True)
    assert refused(api, task) == {}


def test_events_of_others_do_not_count(api: Api, eventide: Deployment, task: str) -> None:
    stranger = eventide.add_user(f"strangers-{secrets.token_hex(4)}", "stranger")
    with Api(eventide.origins, stranger) as other:
        other.raw("events.add", scalar(task, 0, TOO_LARGE))
    api.batch([scalar(task, 0, 1.0), scalar(task, 1, TOO_LARGE)])
    until(lambda: refused(api, task) == {REASON: 1})
