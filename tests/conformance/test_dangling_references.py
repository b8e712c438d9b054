"""No change leaves a document that names one that is not there, or that descends from itself, by whatever call."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from schema.api.wire import Tier
from tests.harness.access import ENDPOINTS, new_user
from tests.harness.api import Api, Data
from tests.harness.deployment import Deployment

MISSING = "f" * 32
NEW: Data = {"name": "a name", "type": "training", "uri": "file:///m"}
NAMED = {
    "tasks": {"project": "projects", "parent": "tasks"},
    "models": {"project": "projects", "parent": "models", "task": "tasks"},
    "projects": {"parent": "projects"},
}


@dataclass
class Own:
    """Documents of a client: a project and one that lies in it, a task with a child, and a model with one."""

    project: str
    inner: str
    task: str
    child: str
    model: str
    grandmodel: str


@pytest.fixture(scope="module")
def client(eventide: Deployment) -> Iterator[Api]:
    """A user of a company whose documents these tests alone make."""
    with new_user(eventide) as api:
        yield api


@pytest.fixture
def own(client: Api) -> Own:
    name = f"own {secrets.token_hex(4)}"
    project, inner = (client.call("projects.create", name=path)["id"] for path in (name, f"{name}/inner"))
    task, model = client.create_task(), client.create_model()
    child, grandmodel = client.create_task(parent=task), client.create_model(parent=model)
    return Own(project, inner, task, child, model, grandmodel)


WAYS: dict[str, Callable[[Own], Data]] = {
    "missing project": lambda own: {"project": MISSING},
    "missing parent": lambda own: {"parent": MISSING},
    "missing task": lambda own: {"task": MISSING},
    "missing destination": lambda own: {"destination_id": MISSING, "destination_project": MISSING},
    "missing parent of a clone": lambda own: {"new_task_parent": MISSING},
    "missing project of a clone": lambda own: {"new_task_project": MISSING},
    "a parent that is no document": lambda own: {"parent": "x/../y"},
    "the project within": lambda own: {"parent": own.inner},
    "the project itself": lambda own: {"parent": own.project},
    "the child": lambda own: {"parent": own.child},
    "the task itself": lambda own: {"parent": own.task},
    "the model made of it": lambda own: {"parent": own.grandmodel},
    "the model itself": lambda own: {"parent": own.model},
}
CHANGES = sorted(
    name for name, found in ENDPOINTS.items() if found.tier is Tier.GATEWAY and name.partition(".")[0] in
    ("tasks", "models", "projects", "reports") and "delete" not in name and "public" not in name
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_endpoint_stores_a_bad_reference(client: Api, own: Own, way: str) -> None:
    fields = WAYS[way](own)
    for action in CHANGES:
        service = action.partition(".")[0].removesuffix("s")
        mine: Data = {"ids": [getattr(own, service, own.task)], "tasks": [own.task]}
        mine |= {"task": own.task, "model": own.model, "project": own.project}
        client.raw(action, NEW | mine | fields)  # whatever it answers
    assert bad_references(client) == []


def bad_references(client: Api) -> list[tuple[str, str, str]]:
    """What a company's own documents name that is not there, or that descends from itself: (kind, id, field)."""
    company = client.call("users.get_current_user")["user"]["company"]["id"]
    page = {"search_hidden": True, "page_size": 500, "page": 0}
    found = {kind: {d["id"]: d for d in client.call(f"{kind}.get_all", page)[kind]} for kind in NAMED}
    bad = [
        (kind, key, field)
        for kind, documents in found.items()
        for key, document in documents.items()
        if document["company"] == company
        for field, target in NAMED[kind].items()
        if (named := id_in(document, field)) and named not in found[target]
    ]
    return bad + [(kind, key, "descends") for kind in NAMED for key in found[kind] if descends(found[kind], key)]


def id_in(document: Data, field: str) -> str:
    """An id, or that of the document in its place; empty for none."""
    named = document.get(field) or ""
    return str(named["id"] if isinstance(named, dict) else named)


def descends(documents: dict[str, Data], key: str) -> bool:
    """Whether a document is one of its own ancestors."""
    seen: set[str] = set()
    above = id_in(documents[key], "parent")
    while above in documents and above not in seen:
        seen.add(above)
        above = id_in(documents[above], "parent")
    return key in seen


def test_bad_parents_are_refused_clearly(client: Api, own: Own) -> None:
    for parent in (MISSING, own.inner, own.project):
        assert client.fail("projects.update", project=own.project, parent=parent) == (400, 408)
    assert client.fail("projects.update", project=own.inner, basename="other") == (400, 408)
    assert client.fail("projects.move", project=own.project, new_location="x/" * 12) == (400, 409)
    assert client.fail("projects.merge", project=own.inner, destination_project=MISSING) == (400, 401)
    for kind, key, descendant, missing in (
        ("task", own.task, own.child, (400, 101)),
        ("model", own.model, own.grandmodel, (400, 201)),
    ):
        assert client.fail(f"{kind}s.edit", {kind: key, "parent": MISSING}) == missing
        assert client.fail(f"{kind}s.edit", {kind: key, "parent": key}) == (400, 800)
        assert client.fail(f"{kind}s.edit", {kind: key, "parent": descendant}) == (400, 800)
        assert client.fail(f"{kind}s.move", ids=[key], project=MISSING) == (400, 401)
    assert client.fail("models.update_for_task", NEW | {"task": own.task, "parent": MISSING}) == (400, 201)


def test_a_project_may_be_sent_back_as_it_was_read(client: Api, own: Own) -> None:
    read = client.call("projects.get_by_id", project=own.inner)["project"]
    place: Data = {field: id_in(read, field) for field in ("parent", "basename", "name")}
    place |= {"project": own.inner, "description": "new"}
    assert client.call("projects.update", place)["updated"] == 1
    client.call("projects.update", project=own.inner, name=f"{read['name']} 2", basename="inner 2")
    changed = client.call("projects.get_by_id", project=own.inner)["project"]
    assert (changed["basename"], id_in(changed, "parent")) == ("inner 2", own.project)


def test_a_model_of_a_task_whose_input_does_not_exist_has_no_parent(client: Api, own: Own) -> None:
    client.call("tasks.add_or_update_model", task=own.task, name="input", model=MISSING, type="input")
    made = client.call("models.update_for_task", task=own.task, uri="file:///x")["id"]
    assert not client.call("models.get_by_id", model=made)["model"].get("parent")
