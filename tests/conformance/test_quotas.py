"""Quotas (API contract 1.13): who exceeds one is refused before anything is acknowledged, and nobody else is."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from schema.api.wire import EVENT_STREAM
from tests.harness.access import bearer, id_of, new_user
from tests.harness.api import Api, Data, data_of, failure_of, meta_of, until
from tests.harness.deployment import Deployment
from tests.harness.events import image, log, plot, scalar
from tests.harness.plain import plain_client

RATE, BYTES, METRICS, TASKS = "events_per_second", "bytes_per_day", "metrics_per_task", "tasks"
STORED, FILES, FILE_BYTES, STREAMS = "stored_bytes", "files", "file_bytes", "streams"
IN_FORCE_SECONDS = 4.0
TOO_FAST, TOO_MUCH, FORBIDDEN = (429, 30), (403, 30), (403, 20)
TOO_MANY_STREAMS = (429, 41)
BURST_SECONDS, DEBT_SECONDS = 10, 5


class Tenant:
    """A company of a test's own: an admin and a user."""

    def __init__(self, root: Api, eventide: Deployment) -> None:
        self.root = root
        self.name = f"company {secrets.token_hex(4)}"
        self.admin, self.user = (new_user(eventide, role, self.name) for role in ("admin", "user"))
        self.id = str(self.admin.call("users.get_current_user")["user"]["company"]["id"])

    def limit(self, kind: str, limit: int, scope: str = "company", of: str | None = None) -> None:
        """Have a root set a limit: of the company unless another one is named."""
        self.root.call("quotas.set", kind=kind, limit=limit, scope=scope, id=of or self.id)

    def line(self, kind: str, scope: str = "company") -> Data:
        """What administrators are told of one quota."""
        (found,) = [one for one in self.lines() if (one["kind"], one["scope"]) == (kind, scope)]
        return found

    def lines(self) -> list[Data]:
        """What administrators are told."""
        found: list[Data] = self.admin.call("quotas.get_all")["quotas"]
        return found


@pytest.fixture
def tenant(api: Api, eventide: Deployment) -> Iterator[Tenant]:
    made = Tenant(api, eventide)
    with made.admin, made.user:
        yield made
        for line in made.lines():
            api.call("quotas.unset", kind=line["kind"], scope=line["scope"], id=line["id"])


def points(task: str, count: int) -> list[Data]:
    return [scalar(task, iter=n) for n in range(count)]


def stored(api: Api, task: str) -> int:
    return len(api.events(task))


def test_who_writes_too_fast_is_made_to_wait_and_others_are_not(tenant: Tenant, stranger: Api) -> None:
    tenant.limit(RATE, 100)
    task, other = tenant.user.create_task(), stranger.create_task()
    count = 100 * (BURST_SECONDS + DEBT_SECONDS)
    tenant.user.add(*points(task, count))
    refused = tenant.admin.raw_batch(points(tenant.admin.create_task(), 1))
    assert failure_of(refused) == TOO_FAST
    wait = int(refused.headers["Retry-After"])
    assert 0 < wait <= DEBT_SECONDS
    assert "quota of this company, 100 events a second" in meta_of(refused)["result_msg"]
    stranger.add(*points(other, 10))
    time.sleep(wait)
    tenant.user.add(*points(task, 1))
    assert stored(tenant.user, task) == count


def test_a_user_and_a_project_have_limits_of_their_own(tenant: Tenant) -> None:
    user, admin = tenant.user, tenant.admin
    small = admin.call("projects.create", name=f"small {secrets.token_hex(4)}", description="")["id"]
    tenant.limit(RATE, 1, "project", small)
    tenant.limit(BYTES, 2000, "user", id_of(user))
    inside, outside = admin.create_task(project=small), admin.create_task()
    admin.add(*points(inside, 200), *points(outside, 1))
    assert admin.fail_batch([*points(inside, 1), *points(outside, 1)]) == TOO_FAST
    admin.add(*points(outside, 1))
    user.add(log(outside, "short"))
    assert user.fail_batch([log(outside, "long" * 1000)]) == TOO_MUCH
    user.add(log(outside, "short again"))
    admin.add(log(outside, "long" * 1000))
    assert stored(admin, outside) == 4


def test_bytes_of_a_day_are_counted_and_told(tenant: Tenant) -> None:
    tenant.limit(BYTES, 3000)
    task = tenant.user.create_task()
    tenant.user.add(log(task, "x" * 1000))
    refused = tenant.user.raw_batch([log(task, "x" * 3000)])
    assert failure_of(refused) == TOO_MUCH
    assert "3000 bytes of events a day" in meta_of(refused)["result_msg"]
    assert failure_of(tenant.user.raw("events.add", log(task, "x" * 3000))) == TOO_MUCH
    assert stored(tenant.user, task) == 1
    line = until(lambda: [one for one in tenant.lines() if one["used"]])[0]
    assert 1000 < line["used"] < 1500
    assert (line["name"], line["limit"], line["company"]) == (tenant.name, 3000, tenant.id)


def test_a_limit_of_zero_stops_all_and_without_it_all_goes_on(tenant: Tenant) -> None:
    task = tenant.user.create_task()
    for kind, code in ((RATE, TOO_FAST), (BYTES, TOO_MUCH)):
        tenant.limit(kind, 0)
        assert tenant.user.fail_batch(points(task, 1)) == code
        assert tenant.root.call("quotas.unset", kind=kind, id=tenant.id) == {"deleted": 1}
        tenant.user.add(*points(task, 1))


def test_tasks_are_made_up_to_a_limit(tenant: Tenant) -> None:
    user = tenant.user
    task = user.create_task()
    tenant.limit(TASKS, 2)
    user.create_task()
    assert user.fail("tasks.create", name="a third", type="training") == TOO_MUCH
    assert user.fail("tasks.clone", task=task) == TOO_MUCH
    assert user.fail("reports.create", name="a report") == TOO_MUCH
    line = tenant.line(TASKS)
    assert (line["used"], line["limit"]) == (2, 2)
    user.call("tasks.delete", task=task)
    user.create_task()
    tenant.limit(TASKS, 1, "user", id_of(tenant.admin))
    assert tenant.admin.fail("tasks.create", name="none left", type="training") == TOO_MUCH
    user.create_model()


def test_metrics_of_a_task_are_taken_up_to_a_limit(tenant: Tenant) -> None:
    user = tenant.user
    task, other = user.create_task(), user.create_task()
    tenant.limit(METRICS, 20)
    user.add(*[scalar(task, metric=f"m{n}") for n in range(20)])
    refused = user.raw_batch([scalar(task, metric="m0", iter=1), plot(task, metric="one more")])
    assert failure_of(refused) == TOO_MUCH
    assert "20 metrics of a task: 20 are used" in meta_of(refused)["result_msg"]
    assert stored(user, task) == 20
    user.add(*[scalar(task, metric=f"m{n}", iter=1) for n in range(20)], log(task, "a line"))
    user.add(*[image(other, metric=f"m{n}") for n in range(20)])
    line = tenant.line(METRICS)
    assert (line["used"], line["limit"]) == (20, 20)
    user.call("events.delete_for_task", task=task)
    user.add(plot(task, metric="one more"))
    assert tenant.line(METRICS)["used"] == 20
    user.call("tasks.reset", task=other)
    assert tenant.line(METRICS)["used"] == 1


def test_who_has_stored_too_much_stores_no_more(tenant: Tenant) -> None:
    user, task = tenant.user, tenant.user.create_task()
    user.add(*points(task, 100))
    tenant.limit(STORED, 1)

    def refusal() -> tuple[int, int] | None:
        answer = user.raw_batch(points(task, 1))
        return None if answer.status_code == 200 else failure_of(answer)

    assert until(refusal, 20) == TOO_MUCH
    assert tenant.line(STORED)["used"] > 1  # 100 rows that are alike may take less than a byte each
    assert stored(user, task) == 100
    tenant.limit(STORED, 10**9)
    user.add(*points(task, 1))


def test_files_are_taken_up_to_a_limit(tenant: Tenant, eventide: Deployment) -> None:
    tenant.limit(FILES, 2)
    tenant.limit(FILE_BYTES, 5000)
    time.sleep(IN_FORCE_SECONDS)

    def upload(name: str, size: int) -> int:
        form = {name: (name, b"x" * size)}
        with plain_client() as client:
            return client.post(eventide.files, files=form, headers=bearer(tenant.user.token)).status_code

    assert [upload("a", 3000), upload("b", 2001), upload("b", 1000)] == [200, 403, 200]
    assert upload("c", 1) == 403
    assert upload("b", 2000) == 200
    with plain_client() as client:
        assert client.delete(f"{eventide.files}/a", headers=bearer(tenant.user.token)).status_code == 200
    assert upload("c", 3000) == 200
    until(lambda: (tenant.line(FILES)["used"], tenant.line(FILE_BYTES)["used"]) == (2, 5000), 15)
    asked: Data = {"kind": FILES, "scope": "user", "limit": 5, "id": id_of(tenant.user)}
    assert tenant.root.fail("quotas.set", asked) == (400, 12)


def test_streams_are_open_up_to_a_limit_of_company_project_and_user(tenant: Tenant, stranger: Api) -> None:
    admin, user = tenant.admin, tenant.user
    project = admin.call("projects.create", name=f"watched {secrets.token_hex(4)}", description="")["id"]
    inside, outside = admin.create_task(project=project), admin.create_task()
    for scope, limited in (("user", id_of(user)), ("project", project), ("company", tenant.id)):
        with streaming(user, inside):
            tenant.limit(STREAMS, 1, scope, limited)
            assert until(lambda: stream_refusal(user, inside)) == TOO_MANY_STREAMS
            assert stream_refusal(user, outside) == (None if scope == "project" else TOO_MANY_STREAMS)
            assert stream_refusal(admin, outside) == (TOO_MANY_STREAMS if scope == "company" else None)
            assert stream_refusal(stranger, stranger.create_task()) is None
            until(lambda scope=scope: tenant.line(STREAMS, scope)["used"] >= 1)  # type: ignore[misc]
        until(lambda: is_let_in(user, inside), 30)
        tenant.root.call("quotas.unset", kind=STREAMS, scope=scope, id=limited)
        time.sleep(IN_FORCE_SECONDS)


def is_let_in(api: Api, task: str) -> bool:
    api.add(log(task, "to write to those who left shows that they did"))
    return stream_refusal(api, task) is None


def stream_refusal(api: Api, task: str) -> tuple[int, int] | None:
    """Why a stream is refused; None if it is not, which ends it."""
    with streaming(api, task) as response:
        if response.headers["Content-Type"] == EVENT_STREAM:
            return None
        response.read()
        return failure_of(response)


@contextmanager
def streaming(api: Api, task: str) -> Iterator[httpx.Response]:
    """The head of a stream that is open meanwhile."""
    url, headers = api.url("events.stream", "2.34"), bearer(api.token)
    with (
        plain_client(timeout=30) as client,
        client.stream("GET", url, params={"task": task}, headers=headers) as answer,
    ):
        yield answer


def test_administrators_limit_what_is_in_their_company(tenant: Tenant, stranger: Api) -> None:
    admin, user = tenant.admin, tenant.user
    asked: Data = {"kind": RATE, "scope": "user", "limit": 5}
    assert data_of(admin.raw("quotas.set", {**asked, "id": id_of(user)})) == {"updated": 1}
    assert tenant.line(RATE, "user")["name"] == "a user"
    assert admin.fail("quotas.set", **asked, id=id_of(stranger)) == (400, 16)
    assert admin.fail("quotas.set", **asked, id="nobody") == (400, 16)
    assert admin.fail("quotas.set", kind=RATE, limit=5) == FORBIDDEN
    assert admin.fail("quotas.get_all", company="another") == FORBIDDEN
    assert {line["company"] for line in tenant.lines()} == {tenant.id}
    for action in ("quotas.set", "quotas.unset", "quotas.get_all"):
        assert user.fail(action, **asked, id=id_of(user)) == FORBIDDEN
    as_root = {"X-Clearml-Act-As": id_of(user)}
    assert failure_of(admin.raw("quotas.get_all", {}, headers=as_root)) == FORBIDDEN


@pytest.mark.parametrize(
    "wrong", [{"kind": "of nothing"}, {"scope": "planet"}, {"limit": -1}, {"limit": 2**63}, {"limit": None}], ids=str
)
def test_a_quota_that_is_none_is_refused(api: Api, wrong: Data) -> None:
    asked: Data = {"kind": RATE, "limit": 5} | wrong
    assert api.fail("quotas.set", asked) == (400, 12)
