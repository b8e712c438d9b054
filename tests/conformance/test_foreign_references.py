"""No document names another company's project, task or model, whichever endpoint and field it is tried by."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from schema.api.wire import Tier
from tests.harness.access import ENDPOINTS
from tests.harness.api import Api, Data


@dataclass
class Foreign:
    """Ids of another company's."""

    project: str
    task: str
    model: str


@pytest.fixture(scope="module")
def foreign(api: Api) -> Foreign:
    project = api.call("projects.create", name=f"secret {secrets.token_hex(4)}")["id"]
    return Foreign(project, api.create_task("secret task"), api.create_model("secret model"))


@dataclass
class Own:
    """What a stranger has."""

    project: str
    task: str
    model: str


@pytest.fixture
def own(stranger: Api) -> Own:
    project = stranger.call("projects.create", name=f"own {secrets.token_hex(4)}")["id"]
    return Own(project, stranger.create_task(), stranger.create_model())


NEW: Data = {"name": "a name", "type": "training", "uri": "file:///m"}
Fields = Callable[[Foreign], Data]
ITEMS: Callable[[str], list[Data]] = lambda model: [{"name": "m", "model": model}]  # noqa: E731
WAYS: dict[str, Fields] = {
    "project": lambda f: {"project": f.project},
    "parent": lambda f: {"parent": f.task},
    "parent model": lambda f: {"parent": f.model},
    "input models": lambda f: {"models": {"input": ITEMS(f.model)}},
    "output models": lambda f: {"models": {"input": [], "output": ITEMS(f.model)}},
    "models of another kind": lambda f: {"models": {"other": ITEMS(f.model)}},
    "task of a model": lambda f: {"task": f.task},
    "old form": lambda f: {"execution": {"model": f.model}, "output": {"model": f.model}},
    "clone": lambda f: {"new_task_parent": f.task, "new_task_project": f.project},
    "clone's models": lambda f: {"new_task_input_models": ITEMS(f.model)},
    "clone's overrides": lambda f: {"execution_overrides": {"model": f.model}},
    "model by name": lambda f: {"name": "x", "model": f.model, "type": "output"},
    "input by name": lambda f: {"name": "x", "model": f.model, "type": "input"},
    "override": lambda f: {"override_model_id": f.model},
    "destination": lambda f: {"destination_id": f.project, "project": f.project},
}
CHANGES = sorted(
    name for name, found in ENDPOINTS.items() if found.tier is Tier.GATEWAY and name.partition(".")[0] in
    ("tasks", "models", "projects", "reports") and "delete" not in name and "reset" not in name
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_endpoint_stores_a_foreign_id(stranger: Api, own: Own, foreign: Foreign, way: str) -> None:
    fields = WAYS[way](foreign)
    for action in CHANGES:
        service = action.partition(".")[0].removesuffix("s")
        mine = {"ids": [getattr(own, service, own.task)], "tasks": [own.task], service: getattr(own, service, own.task)}
        mine |= {"task": own.task, "model": own.model, "project": own.project}
        stranger.raw(action, NEW | mine | fields)  # whatever it answers
    secret = {("project", foreign.project), ("task", foreign.task), ("model", foreign.model)}
    assert named_by(stranger) & secret == set()


def named_by(client: Api) -> set[tuple[str, str]]:
    """The documents, by kind and id, that a company's documents name in fields that stand for documents."""
    page = {"search_hidden": True, "page_size": 500, "page": 0}
    tasks = client.call("tasks.get_all", page)["tasks"] + client.call("reports.get_all_ex", page)["tasks"]
    models, projects = (client.call(f"{kind}.get_all", page)[kind] for kind in ("models", "projects"))
    named = {("project", id_in(document, "project")) for document in tasks + models}
    named |= {("task", id_in(task, "parent")) for task in tasks} | {("task", id_in(model, "task")) for model in models}
    named |= {("model", id_in(model, "parent")) for model in models}
    named |= {("project", id_in(project, "parent")) for project in projects}
    items = [item for task in tasks for way in (task.get("models") or {}).values() for item in way or ()]
    return named | {("model", id_in(item, "model")) for item in items}


def id_in(document: Data, field: str) -> str:
    """An id, or that of the document in its place."""
    found = document.get(field)
    return str(found["id"] if isinstance(found, dict) else found)


def refused(stranger: Api, action: str, **fields: Any) -> tuple[int, int]:
    return stranger.fail(action, NEW | fields)


def test_what_is_foreign_is_as_unknown(stranger: Api, own: Own, foreign: Foreign) -> None:
    assert refused(stranger, "tasks.create", project=foreign.project) == (400, 401)
    assert refused(stranger, "tasks.create", parent=foreign.task) == (400, 101)
    assert refused(stranger, "tasks.create", models={"output": ITEMS(foreign.model)}) == (400, 201)
    assert stranger.fail("tasks.clone", task=own.task, new_task_parent=foreign.task) == (400, 101)
    assert stranger.fail("tasks.clone", task=own.task, new_task_project=foreign.project) == (400, 401)
    assert stranger.fail("tasks.clone", task=own.task, new_task_input_models=ITEMS(foreign.model)) == (400, 201)
    assert refused(stranger, "models.update_for_task", task=own.task, project=foreign.project) == (400, 401)
    assert refused(stranger, "models.update_for_task", task=own.task, parent=foreign.model) == (400, 201)
    assert stranger.call("models.update_for_task", task=own.task, uri="file:///x")["created"] is True
    assert refused(stranger, "models.update_for_task", task=own.task, project=foreign.project) == (400, 401)
    assert stranger.fail("models.edit", model=own.model, task=foreign.task) == (400, 101)


def test_a_copy_of_a_public_task_leaves_what_its_company_keeps(api: Api, stranger: Api, foreign: Foreign) -> None:
    models = {"input": ITEMS(foreign.model)}
    task = api.create_task("to be public", parent=foreign.task, models=models)
    api.call("tasks.make_public", ids=[task])
    copy = stranger.call("tasks.get_by_id", task=stranger.call("tasks.clone", task=task)["id"])["task"]
    assert copy["parent"] == task
    assert copy["models"]["input"] == []
    mine = api.call("tasks.get_by_id", task=api.call("tasks.clone", task=task)["id"])["task"]
    assert (mine["parent"], [item["model"] for item in mine["models"]["input"]]) == (foreign.task, [foreign.model])


def test_own_and_public_documents_may_be_named(api: Api, stranger: Api, own: Own) -> None:
    public = api.create_model("a public model", ready=True)
    api.call("models.make_public", ids=[public])
    task = stranger.create_task(parent=own.task, project=own.project, models={"input": ITEMS(public)})
    stranger.call("tasks.edit", task=task, models={"input": ITEMS(own.model)})
    assert stranger.task(task)["models"]["input"][0]["model"] == own.model
