"""API contract 1.11 and 3.0.1: who sees and changes whose events. The stranger belongs to another company."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.harness.api import Api, data_of, failure_of, json_lines, until
from tests.harness.events import SINGLE_VALUE, Event, column, image, log, model_events, one_of_each, plot, scalar
from tests.harness.reads import MODEL_READS, READS, Read

UNKNOWN = "0123456789abcdef0123456789abcdef"
DELETES = ["events.delete_for_task", "events.clear_task_log"]
MultiRead = tuple[str, dict[str, object]]

SINGLE_VALUES = "events.get_task_single_value_metrics"

each_read = pytest.mark.parametrize("read", READS, ids=str)
each_model_read = pytest.mark.parametrize("read", MODEL_READS, ids=str)


def contents(api: Api, read: Read, entity: str, **more: object) -> object:
    """What a read answers, without the parts that differ from call to call."""
    response = api.raw(read.action, read.body(entity) | more, version=read.version)
    if read.action == "events.download_task_log":
        assert response.status_code == 200
        return response.text
    data = data_of(response)
    data.pop("scroll_id", None)
    return data


def told(answer: object) -> str:
    return json.dumps(answer)


def events_of(entity: str) -> list[Event]:
    """At least one event for every read to find."""
    single = scalar(entity, SINGLE_VALUE, 0.5, "Summary", "acc", worker="the-worker")
    return [*one_of_each(entity, worker="the-worker"), single]


def make_public(owner: Api, other: Api, *, task: str = "", model: str = "") -> None:
    """Publish an entity to all companies; returns once the query service has noticed, too."""
    kind, entity = ("model", model) if model else ("task", task)
    owner.call(f"{kind}s.make_public", ids=[entity])
    until(lambda: other.raw(f"{kind}s.get_by_id", {kind: entity}).status_code == 200)


@pytest.fixture(scope="module")
def private(api: Api) -> str:
    task = api.create_task("private task")
    api.add(*events_of(task))
    return task


@pytest.fixture(scope="module")
def private_model(api: Api) -> str:
    model = api.create_model("private model")
    api.add(*model_events(event for event in events_of(model) if event["type"] != "log"))
    return model


@pytest.fixture(scope="module")
def public(api: Api, stranger: Api) -> str:
    task = api.create_task("public task")
    api.add(*events_of(task))
    make_public(api, stranger, task=task)
    return task


@pytest.fixture(scope="module")
def public_model(api: Api, stranger: Api) -> str:
    model = api.create_model("public model")
    api.add(*model_events(event for event in events_of(model) if event["type"] != "log"))
    make_public(api, stranger, model=model)
    return model


# --- 3.0.1 the entity check -------------------------------------------------------------------------------------------


@each_read
def test_an_unknown_task_is_invalid(api: Api, read: Read) -> None:
    for unknown in (UNKNOWN, "", "x' OR 1=1 --"):
        assert api.fail(read.action, read.body(unknown), version=read.version) == (400, 101)


@each_model_read
def test_an_unknown_model_is_invalid(api: Api, read: Read) -> None:
    assert api.fail(read.action, read.body(UNKNOWN), version=read.version, model_events=True) == (400, 201)


@pytest.mark.parametrize("read", [read for read in READS if read.action != SINGLE_VALUES], ids=str)
def test_a_model_is_no_task(api: Api, read: Read, private_model: str) -> None:
    assert api.fail(read.action, read.body(private_model), version=read.version) == (400, 101)


def test_single_values_of_a_model_need_not_say_that_it_is_one(api: Api, stranger: Api, private_model: str) -> None:
    """Web applications omit it on a model's page."""
    (found,) = api.call(SINGLE_VALUES, tasks=[private_model])["tasks"]
    assert [value["metric"] for value in found["values"]] == ["Summary"]
    assert stranger.fail(SINGLE_VALUES, tasks=[private_model]) == (400, 101)


@each_model_read
def test_a_task_is_no_model(api: Api, read: Read, private: str) -> None:
    assert api.fail(read.action, read.body(private), version=read.version, model_events=True) == (400, 201)


@pytest.mark.parametrize("read", [read for read in READS if "tasks" in read.body("")], ids=str)
def test_one_unknown_task_of_several_is_enough(api: Api, read: Read, private: str) -> None:
    body = read.body(private) | {"tasks": [private, UNKNOWN, private]}
    assert api.fail(read.action, body, version=read.version) == (400, 101)


@pytest.mark.parametrize("action", ["events.debug_images", "events.plots"])
def test_one_unknown_task_among_metrics_is_enough(api: Api, action: str, private: str) -> None:
    assert api.fail(action, metrics=[{"task": private}, {"task": UNKNOWN}]) == (400, 101)


@pytest.mark.parametrize("read", [read for read in READS if "tasks" in read.body("")], ids=str)
def test_a_task_may_be_named_twice(api: Api, read: Read, private: str) -> None:
    body = read.body(private) | {"tasks": [private, private]}
    assert data_of(api.raw(read.action, body, version=read.version))


# --- another company's ------------------------------------------------------------------------------------------------


@each_read
def test_the_owner_reads_a_task(api: Api, read: Read, private: str) -> None:
    """So that the refusals below refuse something."""
    answer = told(contents(api, read, private))
    assert any(name in answer for name in ('"m"', '"v"', "the-worker", '"acc"')), answer


@each_read
def test_another_companys_task_is_invalid(stranger: Api, read: Read, private: str) -> None:
    assert stranger.fail(read.action, read.body(private), version=read.version) == (400, 101)


@each_model_read
def test_another_companys_model_is_invalid(stranger: Api, read: Read, private_model: str) -> None:
    assert stranger.fail(read.action, read.body(private_model), version=read.version, model_events=True) == (400, 201)


@pytest.mark.parametrize("action", DELETES)
def test_another_companys_task_cannot_be_emptied(api: Api, stranger: Api, action: str, private: str) -> None:
    assert stranger.fail(action, task=private) == (400, 101)
    assert stranger.fail(action, task=private, allow_locked=True) == (400, 101)
    assert len(api.events(private)) == 6


def test_another_companys_model_cannot_be_emptied(api: Api, stranger: Api, private_model: str) -> None:
    assert stranger.fail("events.delete_for_model", model=private_model, allow_locked=True) == (400, 201)
    assert len(api.events(private_model, model_events=True)) == 5


@pytest.mark.parametrize("change", ["tasks.get_by_id", "tasks.reset", "tasks.delete", "tasks.started", "tasks.publish"])
def test_another_companys_task_does_not_exist(stranger: Api, change: str, private: str) -> None:
    assert stranger.fail(change, task=private, force=True) == (400, 101)


def test_another_companys_task_cannot_be_written(api: Api, stranger: Api, private: str) -> None:
    assert stranger.fail("events.add", log(private)) == (400, 131)
    assert stranger.fail_batch([log(private), scalar(private)]) == (400, 131)
    assert len(api.events(private)) == 6


def test_another_companys_events_in_a_batch_are_errors(
    api: Api, stranger: Api, private: str, private_model: str
) -> None:
    own = stranger.create_task()
    foreign = [scalar(private, 5), plot(private, 5), *model_events([scalar(private_model, 5)])]
    answer = stranger.batch([log(own, "own"), *foreign])
    assert (answer["added"], answer["errors"]) == (1, 3)
    assert sorted(answer["errors_info"].values()) == [1, 2]
    assert len(api.events(private)) == 6
    assert len(api.events(private_model, model_events=True)) == 5
    assert column(stranger.events(own), "type") == ["log"]


def test_unknown_and_foreign_tasks_are_told_apart_by_nobody(stranger: Api, private: str) -> None:
    texts = []
    for task in (private, UNKNOWN):
        own = stranger.create_task()
        texts.append(str(stranger.batch([log(own), log(task)])["errors_info"]).replace(task, "ID"))
    assert texts[0] == texts[1]


# --- public entities --------------------------------------------------------------------------------------------------


@each_read
def test_a_public_task_reads_as_a_private_one(api: Api, stranger: Api, read: Read, private: str, public: str) -> None:
    def normal(answer: object, task: str, name: str) -> str:
        found = json.loads(told(answer).replace(task, "ID").replace(name, "NAME"))
        return told(without_times(found))

    expected = normal(contents(api, read, private), private, "private task")
    assert normal(contents(stranger, read, public), public, "public task") == expected
    assert normal(contents(api, read, public), public, "public task") == expected


def without_times(value: object) -> object:
    if isinstance(value, dict):
        times = ("@timestamp", "timestamp", "last_timestamp", "asctime")
        return {name: without_times(inner) for name, inner in value.items() if name not in times}
    if isinstance(value, list):
        return [without_times(inner) for inner in value]
    if isinstance(value, str) and value.startswith("{") and value.endswith("}\n"):
        return without_times(json.loads(value))
    return value


@each_model_read
def test_a_public_model_is_readable(stranger: Api, read: Read, public_model: str) -> None:
    """API contract, appendix D: found, as for tasks."""
    answer = told(contents(stranger, read, public_model, model_events=True))
    assert any(name in answer for name in ('"m"', '"v"', "the-worker", '"acc"')), answer


def test_a_public_models_events_are_all_there(api: Api, stranger: Api, public_model: str) -> None:
    for client in (api, stranger):
        assert len(client.events(public_model, model_events=True)) == 5


@pytest.mark.parametrize("action", DELETES)
def test_a_public_task_cannot_be_emptied(api: Api, stranger: Api, action: str, public: str) -> None:
    for client in (api, stranger):
        assert client.fail(action, task=public) == (403, 21)
        assert client.fail(action, task=public, allow_locked=True) == (403, 21)
    assert len(stranger.events(public)) == 6


def test_a_public_model_cannot_be_emptied(api: Api, stranger: Api, public_model: str) -> None:
    for client in (api, stranger):
        assert client.fail("events.delete_for_model", model=public_model, allow_locked=True) == (400, 201)
    assert len(stranger.events(public_model, model_events=True)) == 5


def test_public_entities_cannot_be_written(api: Api, stranger: Api, public: str, public_model: str) -> None:
    for client in (api, stranger):
        assert client.fail("events.add", log(public, allow_locked=True)) == (400, 131)
        assert client.fail_batch([scalar(public, 9), *model_events([scalar(public_model, 9)])]) == (400, 131)
    own = stranger.create_task()
    answer = stranger.batch([log(own), log(public), log(public)])
    assert (answer["added"], answer["errors"], len(answer["errors_info"])) == (1, 2, 1)
    assert len(stranger.events(public)) == 6


MULTI_READS: list[MultiRead] = [
    ("events.multi_task_scalar_metrics_iter_histogram", {}),
    ("events.get_task_metrics", {"event_type": "plot"}),
    ("events.get_task_single_value_metrics", {}),
    ("events.get_multi_task_plots", {}),
]


@pytest.mark.parametrize("read", MULTI_READS, ids=lambda read: read[0].removeprefix("events."))
def test_own_and_public_tasks_together(stranger: Api, read: MultiRead, public: str) -> None:
    """API contract 5, row 24: each entity's own tenant."""
    own = stranger.create_task()
    stranger.add(*events_of(own))
    answer = told(stranger.call(read[0], read[1], tasks=[own, public]))
    assert own in answer
    assert public in answer
    if read[0] == "events.get_task_metrics":
        entries = stranger.call(read[0], read[1], tasks=[own, public])["metrics"]
        assert entries == [{"task": own, "metrics": ["m"]}, {"task": public, "metrics": ["m"]}]


def test_own_and_public_images_together(stranger: Api, public: str) -> None:
    own = stranger.create_task()
    stranger.add(image(own, 7))
    answer = stranger.call("events.debug_images", metrics=[{"task": own}, {"task": public}])
    assert [entry["task"] for entry in answer["metrics"]] == [own, public]
    assert [entry["iterations"][0]["iter"] for entry in answer["metrics"]] == [7, 0]


# --- scroll ids -------------------------------------------------------------------------------------------------------

SCROLLS: dict[str, Callable[[str], tuple[str, str, dict[str, object]]]] = {
    "A get_task_log": lambda task: ("events.get_task_log", "1.7", {"task": task}),
    "A get_scalar_metric_data": lambda task: ("events.get_scalar_metric_data", "2.1", {"task": task, "metric": "m"}),
    "A debug_images": lambda task: ("events.debug_images", "2.1", {"task": task}),
    "B get_task_events": lambda task: ("events.get_task_events", "2.1", {"task": task}),
    "B scalar_metrics_iter_raw": lambda task: (
        "events.scalar_metrics_iter_raw",
        "2.16",
        {"task": task, "metric": {"metric": "m"}},
    ),
}


@pytest.mark.parametrize("scroll", SCROLLS.values(), ids=SCROLLS.keys())
def test_a_scroll_id_is_of_its_company(
    api: Api, stranger: Api, scroll: Callable[[str], tuple[str, str, dict[str, object]]], public: str
) -> None:
    """API contract 5, row 8: even where both may read the entity."""
    action, version, body = scroll(public)
    scroll_id = api.call(action, body, version=version)["scroll_id"]
    assert api.call(action, body, version=version, scroll_id=scroll_id)["returned"] == 0
    assert stranger.fail(action, body, version=version, scroll_id=scroll_id) == (400, 1104)


def test_a_sample_position_is_of_its_company(api: Api, stranger: Api, public: str) -> None:
    scroll_id = api.call("events.get_debug_image_sample", task=public, metric="m", variant="v")["scroll_id"]
    assert scroll_id
    assert api.call("events.next_debug_image_sample", task=public, scroll_id=scroll_id)["event"] is None
    assert stranger.fail("events.next_debug_image_sample", task=public, scroll_id=scroll_id) == (400, 1104)


# --- same ids, different companies ------------------------------------------------------------------------------------


@pytest.fixture
def attempts(private: str, private_model: str) -> list[Event]:
    """Lines that name another company's entities in every way there is."""
    return [
        scalar(private, 9),
        scalar(private_model, 9, model_event=True),
        scalar("x", 9, model=private_model, model_event=True),
        log(private, company="x"),
        log(private, allow_locked=True),
    ]


def test_no_line_reaches_another_companys_entity(
    api: Api, stranger: Api, attempts: list[Event], private: str, private_model: str
) -> None:
    for line in attempts:
        headers = {"Content-Type": "application/json-lines"}
        response = stranger.raw("events.add_batch", content=json_lines([line]), headers=headers)
        assert failure_of(response) == (400, 131)
    assert (len(api.events(private)), len(api.events(private_model, model_events=True))) == (6, 5)
