"""Projects: what lies in them, how they are listed by it, and how they are moved and removed."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import column


@pytest.fixture
def root(api: Api) -> str:
    """The name of a new project."""
    name = f"root {secrets.token_hex(4)}"
    create(api, name)
    return name


def create(api: Api, name: str, **fields: Any) -> str:
    """The id of a new project."""
    return str(api.call("projects.create", {"name": name} | fields)["id"])


def listed(api: Api, **fields: Any) -> list[Data]:
    """Projects as the web application lists them."""
    found: list[Data] = api.call("projects.get_all_ex", dict(fields))["projects"]
    return found


def id_of(api: Api, name: str) -> str:
    """The id of the project of a name."""
    (project,) = api.call("projects.get_all", name=f"^{name}$", search_hidden=True)["projects"]
    return str(project["id"])


def run(api: Api, *tasks: str) -> None:
    """The tasks have run."""
    for task in tasks:
        api.call("tasks.started", task=task)
        api.call("tasks.stopped", task=task)


# --- names and places -------------------------------------------------------------------------------------------------


def test_a_project_is_renamed_in_its_place_and_moved_elsewhere(api: Api, root: str) -> None:
    project, child = create(api, f"{root}/a"), create(api, f"{root}/a/b")
    assert api.fail("projects.create", name="/") == (400, 407)
    assert api.fail("projects.create", name=f"{root}/a/b") == (400, 801)
    assert api.fail("projects.update", project=project, name=f"{root} elsewhere/a") == (400, 408)
    assert api.call("projects.update", project=project, name=f"{root}/c")["updated"] == 1
    assert api.call("projects.get_by_id", project=child)["project"]["name"] == f"{root}/c/b"
    assert api.fail("projects.move", project=project, new_location=root) == (400, 410)
    assert api.fail("projects.move", project=project, new_location=f"{root}/c/b") == (400, 411)
    assert api.call("projects.move", project=project, new_location=f"{root} elsewhere") == {"moved": 2}
    moved = api.call("projects.get_by_id", project=child)["project"]
    assert (moved["name"], moved["basename"], moved["parent"]) == (f"{root} elsewhere/c/b", "b", project)
    assert api.fail("projects.create", name="/".join("abcdefghijk")) == (400, 409)


def test_a_merge_moves_projects_and_what_lies_in_them(api: Api, root: str) -> None:
    source, target = create(api, f"{root}/s"), create(api, f"{root}/t")
    inner, innermost = create(api, f"{root}/s/i"), create(api, f"{root}/s/i/j")
    active = [api.create_task(project=source), api.create_task(project=inner)]
    archived = api.create_task(project=source, system_tags=["archived"])
    assert api.fail("projects.merge", project=source, destination_project=source) == (400, 410)
    assert api.fail("projects.merge", project=source, destination_project=inner) == (400, 412)
    answer = api.call("projects.merge", project=source, destination_project=target)
    assert answer == {"moved_entities": 2, "moved_projects": 1}
    assert [api.task(task).get("project") for task in (*active, archived)] == [target, inner, target]
    assert api.call("projects.get_by_id", project=innermost)["project"]["name"] == f"{root}/t/i/j"
    assert api.call("projects.get_by_id", project=inner)["project"]["parent"] == target
    assert api.fail("projects.get_by_id", project=source) == (400, 401)


def test_a_name_is_looked_for_below_a_project_or_beside_it(api: Api, root: str) -> None:
    top = id_of(api, root)
    middle, bottom = create(api, f"{root}/x"), create(api, f"{root}/x/{root}")

    def found(**fields: Any) -> list[str]:
        return column(listed(api, **fields), "id")

    assert found(name=root, shallow_search=True) == [top]
    assert sorted(found(name=root)) == sorted([top, middle, bottom])
    assert sorted(found(name=root, parent=[top])) == sorted([middle, bottom])
    assert found(parent=[top], shallow_search=True) == [middle]
    assert found(basename=root, parent=[middle]) == [bottom]
    assert found(basename=root, shallow_search=True) == [top]


# --- contents ---------------------------------------------------------------------------------------------------------


def test_statistics_are_of_what_is_active_unless_all_is_asked_for(api: Api, root: str) -> None:
    top, inner = id_of(api, root), create(api, f"{root}/i")
    tasks = [api.create_task(project=inner), api.create_task(project=inner, system_tags=["archived"])]
    run(api, *tasks)
    api.create_model(project=inner)
    (project,) = listed(api, id=[top])
    assert "stats" not in project
    (project,) = listed(api, id=[top], include_stats=True)
    assert set(project["stats"]) == {"active"}
    active = project["stats"]["active"]
    assert (active["total_tasks"], active["status_count"]["stopped"], active["completed_tasks_24h"]) == (1, 1, 1)
    assert column(project["sub_projects"], "name") == [f"{root}/i"]
    for state, states in ((None, {"active", "archived"}), ("archived", {"archived"})):
        (project,) = listed(api, id=[top], include_stats=True, stats_for_state=state)
        assert {name: one["total_tasks"] for name, one in project["stats"].items()} == dict.fromkeys(states, 1)
    own = {p["id"]: (p["own_tasks"], p["own_models"]) for p in listed(api, id=[top, inner], check_own_contents=True)}
    assert own == {top: (0, 0), inner: (1, 1)}
    (project,) = listed(api, id=[inner], check_own_contents=True, stats_for_state=None)
    assert project["own_tasks"] == 2


def test_projects_are_listed_by_what_users_made_in_them(api: Api, root: str) -> None:
    top, inner = id_of(api, root), create(api, f"{root}/i")
    user = api.call("users.get_current_user")["user"]["id"]
    other = api.call("auth.create_user", name="another", email="a@b.c")["id"]

    def aggregated() -> tuple[Any, ...]:
        return (
            column(listed(api, id=[top], active_users=[other]), "id"),
            api.call("models.get_frameworks", projects=[top])["frameworks"],
            api.call("tasks.get_types", projects=[top])["types"],
            column(api.call("projects.get_task_parents", projects=[top])["parents"], "id"),
            column(api.call("projects.get_user_names", projects=[top])["users"], "id"),
            api.call("organization.get_entities_count", projects={"id": [top]}, active_users=[other])["projects"],
        )

    assert aggregated() == ([], [], [], [], [], 0)
    parent = api.create_task(project=inner)
    api.create_task(project=inner, parent=parent)
    api.create_model(project=inner, framework="torch")
    impersonated = {"X-ClearML-Impersonate-As": other}
    api.raw("tasks.create", {"name": "theirs", "type": "testing", "project": inner}, headers=impersonated)
    found = aggregated()
    assert found[:4] == ([top], ["torch"], ["testing", "training"], [parent])
    assert (sorted(found[4]), found[5]) == (sorted([user, other]), 1)
    for users, count in (([user], 2), ([other], 1), ([user, other], 3)):
        (project,) = listed(api, id=[top], active_users=users, include_stats=True)
        assert project["stats"]["active"]["total_tasks"] == count
    active = api.call("users.get_all_ex", active_in_projects=[top])["users"]
    assert sorted(column(active, "id")) == sorted([user, other])


def test_who_made_a_project_is_active_in_it(api: Api, root: str) -> None:
    maker = api.call("auth.create_user", name="a maker", email="a@b.c")["id"]
    body = {"name": f"{root}/theirs"}
    api.raw("projects.create", body, headers={"X-ClearML-Impersonate-As": maker})
    for projects in ([id_of(api, root)], [id_of(api, f"{root}/theirs")], []):
        assert column(api.call("users.get_all_ex", id=[maker], active_in_projects=projects)["users"], "id") == [maker]
    assert api.call("users.get_all_ex", id=[maker], active_in_projects=[create(api, f"{root} 2")])["users"] == []


def test_datasets_and_pipelines_are_counted_where_they_lie(api: Api, root: str) -> None:
    top = id_of(api, root)
    dataset = create(api, f"{root}/one/Data", system_tags=["dataset"], tags=["x", "y"])
    pipeline = create(api, f"{root}/two/Pipe", system_tags=["pipeline"])
    api.create_task(project=dataset, system_tags=["dataset"])
    api.create_task(project=dataset)
    api.call("tasks.create", name="run", type="controller", project=pipeline, system_tags=["pipeline"])
    api.create_task(project=pipeline)
    asked = {"parent": [top], "shallow_search": True, "include_stats": True, "check_own_contents": True}
    (project,) = listed(api, children_type="dataset", **asked)
    assert (project["basename"], project["own_datasets"], "own_tasks" in project) == ("one", 1, False)
    assert project["stats"] == {"datasets": {"count": 1, "tags": ["x", "y"]}}
    (project,) = listed(api, children_type="pipeline", **asked)
    assert (project["basename"], project["own_tasks"], "own_datasets" in project) == ("two", 0, False)
    assert project["stats"]["active"]["total_tasks"] == 1
    totals = {p["basename"]: p["stats"]["active"]["total_tasks"] for p in listed(api, **asked)}
    assert totals == {"one": 2, "two": 2}


def test_the_size_of_a_dataset_is_that_of_its_newest_version(api: Api, root: str) -> None:
    dataset = create(api, f"{root}/d", system_tags=["dataset"])
    task = api.create_task(project=dataset)

    def size() -> Any:
        (project,) = listed(api, id=[dataset], include_dataset_stats=True)
        return project["dataset_stats"]

    assert size() is None
    api.call("tasks.edit", task=task, runtime={"ds_file_count": 2, "ds_total_size": 1000})
    assert size() == {"file_count": 2, "total_size": 1000}
    count = api.call("organization.get_entities_count", datasets={"system_tags": ["dataset"], "id": [dataset]})
    assert count["datasets"] == 1


# --- removal ----------------------------------------------------------------------------------------------------------


def test_a_project_with_a_dataset_takes_force_until_its_versions_are_gone(api: Api, root: str) -> None:
    project = id_of(api, root)
    dataset = create(api, f"{root}/.datasets/d", system_tags=["dataset"])
    version = api.create_task(project=dataset, system_tags=["dataset"])
    assert api.call("projects.validate_delete", project=project)["datasets"] == 1
    assert api.fail("projects.delete", project=project) == (400, 406)
    api.call("tasks.delete", task=version)
    assert api.call("projects.validate_delete", project=project)["datasets"] == 0
    assert api.call("projects.delete", project=project)["deleted"] == 3


def test_a_project_with_a_pipeline_takes_force_until_its_runs_are_archived(api: Api, root: str) -> None:
    project = id_of(api, root)
    pipeline = create(api, f"{root}/.pipelines/p", system_tags=["pipeline"])
    fields: Data = {"name": "a run", "type": "controller", "project": pipeline, "system_tags": ["pipeline"]}
    task = str(api.call("tasks.create", fields)["id"])
    step = api.create_task(project=pipeline, system_tags=["pipeline"])
    assert api.call("projects.validate_delete", project=project)["pipelines"] == 1
    assert api.fail("projects.delete", project=project) == (400, 413)
    api.call("tasks.edit", task=task, system_tags=["archived"])
    counts = api.call("projects.validate_delete", project=project)
    assert (counts["pipelines"], counts["tasks"], counts["non_archived_tasks"]) == (0, 0, 0)  # steps do not count
    api.call("projects.delete", project=project)
    assert "project" not in api.task(step)


def test_a_project_with_tasks_or_models_takes_force(api: Api, root: str) -> None:
    project = id_of(api, root)
    for kind, make, failure in (("task", api.create_task, 402), ("model", api.create_model, 405)):
        key = make(f"a {kind}", project=project)
        counts = api.call("projects.validate_delete", project=project)
        assert (counts[f"{kind}s"], counts[f"non_archived_{kind}s"]) == (1, 1)
        assert api.fail("projects.delete", project=project) == (400, failure)
        api.call(f"{kind}s.archive_many", ids=[key])
        counts = api.call("projects.validate_delete", project=project)
        assert (counts[f"{kind}s"], counts[f"non_archived_{kind}s"]) == (1, 0)
    api.call("projects.delete", project=project)


def test_runs_of_a_pipeline_are_removed_but_for_the_last(api: Api, root: str) -> None:
    project = id_of(api, root)
    fields: Data = {"name": "a run", "type": "controller", "project": project, "system_tags": ["pipeline"]}
    runs = [str(api.call("tasks.create", fields)["id"]) for _ in range(3)]
    step, other = api.create_task(parent=runs[0], project=project), api.create_task(project=project)
    assert api.fail("pipelines.delete_runs", project=project, ids=runs) == (400, 160)
    answer = api.call("pipelines.delete_runs", project=project, ids=[*runs[:2], other])
    assert (sorted(column(answer["succeeded"], "id")), answer["failed"]) == (sorted(runs[:2]), [])
    left = api.call("tasks.get_all", project=[project])["tasks"]
    assert sorted(column(left, "id")) == sorted([runs[2], other])
    assert api.fail("tasks.get_by_id", task=step) == (400, 101)


# --- tags and parents -------------------------------------------------------------------------------------------------


def test_tags_of_what_lies_in_projects(api: Api, root: str) -> None:
    top, inner = id_of(api, root), create(api, f"{root}/i", tags=["p2"], system_tags=["hidden"])
    other = create(api, f"{root} 2", tags=["p1"])
    task = api.create_task(project=inner, tags=["b", "a"], system_tags=["s"])
    api.create_model(project=inner, tags=["m"])

    def tags(kind: str, *projects: str, **fields: Any) -> Any:
        return api.call(f"projects.get_{kind}_tags", projects=list(projects), **fields)["tags"]

    assert (tags("task", top), tags("model", top), tags("task", other)) == (["a", "b"], ["m"], [])
    assert api.call("projects.get_task_tags", projects=[top], include_system=True)["system_tags"] == ["s"]
    assert tags("task", top, filter={"system_tags": ["__$not", "s"]}) == []
    assert tags("task", top, filter={"tags": ["a"]}) == ["a", "b"]
    assert tags("project", top, other) == ["p1", "p2"]
    assert tags("project", top, other, filter={"system_tags": ["__$not", "hidden"]}) == ["p1"]
    api.call("tasks.edit", task=task, project=other)
    assert (tags("task", top), tags("task", top, other)) == ([], ["a", "b"])


def test_tags_of_a_company(api: Api) -> None:
    one, two, system = (f"{name} {secrets.token_hex(4)}" for name in ("one", "two", "system"))
    model, task = api.create_model(tags=[one]), api.create_task(tags=[one])
    api.call("tasks.edit", task=task, tags=[two], system_tags=[system])
    found = api.call("organization.get_tags", include_system=True)
    assert {one, two} <= set(found["tags"])
    assert system in found["system_tags"]
    found = api.call("organization.get_tags", filter={"system_tags": ["__$not", system]})
    assert (one in found["tags"], two in found["tags"], "system_tags" in found) == (True, False, False)
    api.call("models.delete", model=model)
    found = api.call("organization.get_tags")
    assert (one in found["tags"], two in found["tags"]) == (False, True)


def test_parents_of_tasks_by_state_and_name(api: Api, root: str) -> None:
    project = id_of(api, root)
    parents = [api.create_task(f"parent {number}", project=project) for number in range(3)]
    children = [api.create_task("a child", project=project, parent=parent) for parent in parents[:2]]
    api.call("tasks.archive", tasks=[children[1]])

    def found(**fields: Any) -> list[str]:
        return column(api.call("projects.get_task_parents", projects=[project], **fields)["parents"], "id")

    assert found() == parents[:2]
    assert (found(tasks_state="active"), found(tasks_state="archived")) == (parents[:1], parents[1:2])
    assert found(task_name="parent 1") == parents[1:2]
    assert found(task_name="parent 2") == []
    (shown, *_) = api.call("projects.get_task_parents", projects=[project])["parents"]
    assert shown == {"id": parents[0], "name": "parent 0", "project": {"id": project, "name": root}}
    alone = api.create_task(f"alone {root}")
    api.create_task(parent=alone)
    every = api.call("projects.get_task_parents")["parents"]
    assert [parent for parent in every if parent["id"] == alone] == [{"id": alone, "name": f"alone {root}"}]


def test_metadata_of_models_by_project(api: Api, root: str) -> None:
    key, value = f"key {root}", f"value {root}"
    item = {"key": key, "type": "str", "value": value}
    api.create_model(metadata={key: item}, project=id_of(api, root))
    assert key in api.call("projects.get_model_metadata_keys", page_size=10_000)["keys"]
    alone = api.call("projects.get_model_metadata_keys", include_subprojects=False, page_size=10_000)
    assert key not in alone["keys"]  # only of models in no project
    assert api.call("projects.get_model_metadata_values", key=key) == {"total": 1, "values": [value]}


def test_the_people_of_a_company(api: Api) -> None:
    (company,) = api.call("organization.get_user_companies")["companies"]
    assert company["allocated"] == len(company["owners"]) > 0
    assert column(company["owners"], "name") == sorted(column(company["owners"], "name"))
    assert all(set(owner) == {"id", "name", "avatar"} for owner in company["owners"])
    assert company["id"] == api.call("users.get_current_user")["user"]["company"]["id"]
