"""Tidying up on the page: rename, tags, note, archive, restore, stop, delete; of one task and of many; undone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.access import id_of
from tests.harness.api import Api, until
from tests.harness.deployment import Deployment
from tests.page.conftest import Open
from tests.page.test_page import NAMELESS

NOTE = """# Result

**Best** so far, see [the paper](https://example.com/paper) and [this](javascript:alert(1)).

<img src="x" onerror="window.hacked = 1"><script>window.hacked = 1</script><p style="color: red" onclick="x()">end</p>
"""


@pytest.fixture
def project(api: Api) -> Iterator[tuple[str, dict[str, str]]]:
    """The id of a project, and its three tasks by name."""
    made = str(api.call("projects.create", name=f"tidied {secrets.token_hex(4)}")["id"])
    tasks = {name: api.create_task(name, project=made, tags=["seed"] if name == "one" else []) for name in NAMES}
    yield made, tasks
    api.call("tasks.delete_many", ids=list(tasks.values()), force=True)


NOT_ALLOWED = re.compile("viewer|write|permission|role")
NAMES = ("one", "two", "three")


def press(page: Page, name: str) -> None:
    page.get_by_role("group", name="Tidy up").get_by_role("button", name=name, exact=True).click()


def undo(page: Page) -> None:
    page.get_by_role("region", name="Last change").get_by_role("button", name="Undo").click()


def told(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("region", name="Last change")).to_contain_text(text)


def test_a_task_is_renamed_and_tagged_and_that_is_undone(
    visit: Open, api: Api, project: tuple[str, dict[str, str]]
) -> None:
    task = project[1]["one"]
    page = visit(f"#/task/{task}/info")
    press(page, "Rename")
    page.get_by_label("Name", exact=True).fill("another name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("another name")
    undo(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("one")
    press(page, "Tags")
    dialog = page.get_by_role("dialog", name="Tags")
    dialog.get_by_label("seed").uncheck()
    dialog.get_by_label("New tags").fill("best, kept")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".head .tag")).to_have_text(["best", "kept"])
    undo(page)
    expect(page.locator(".head .tag")).to_have_text(["seed"])
    assert (api.task(task)["name"], api.task(task)["tags"]) == ("one", ["seed"])


def test_a_note_is_formatted_and_nothing_of_it_runs(visit: Open, api: Api, project: tuple[str, dict[str, str]]) -> None:
    task = project[1]["one"]
    page = visit(f"#/task/{task}/info")
    press(page, "Note")
    dialog = page.get_by_role("dialog", name="Note")
    dialog.get_by_label("Note, in Markdown").fill(NOTE)
    expect(dialog.locator(".note strong")).to_have_text("Best")
    dialog.get_by_role("button", name="Save").click()
    shown = page.locator(".note-card .note")
    expect(shown.get_by_role("heading")).to_have_text("Result")
    expect(shown.get_by_role("link", name="the paper")).to_have_attribute("href", "https://example.com/paper")
    expect(shown.get_by_role("link")).to_have_count(1)  # the one that runs a script is text
    expect(shown).to_contain_text('<p style="color: red" onclick="x()">end</p>')
    expect(shown.locator("img, script, [style], [onclick]")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
    assert api.task(task)["comment"] == NOTE
    assert page.evaluate(NAMELESS) == []


def test_many_are_tagged_archived_restored_and_deleted(
    visit: Open, api: Api, project: tuple[str, dict[str, str]]
) -> None:
    page = visit(f"#/tasks?project={project[0]}&sort=name")
    rows = page.locator(".tasks tbody tr")
    expect(rows).to_have_count(3)
    for name in ("one", "two"):
        page.get_by_label(f"Compare {name}", exact=True).check()
    expect(page.locator(".chosen")).to_contain_text("2 chosen")
    press(page, "Tags")
    dialog = page.get_by_role("dialog", name="Tags")
    expect(dialog.get_by_label("seed")).to_have_js_property("indeterminate", True)
    dialog.get_by_label("New tags").fill("both")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".tasks .tag", has_text="both")).to_have_count(2)
    assert api.task(project[1]["one"])["tags"] == ["both", "seed"]
    press(page, "Archive")
    told(page, "Archived 2 tasks.")
    expect(page.locator(".tasks .name a")).to_have_text(["three"])
    undo(page)
    expect(rows).to_have_count(3)
    press(page, "Archive")
    expect(rows).to_have_count(1)
    page.get_by_label("Status").select_option("archived")
    expect(page.locator(".tasks .name a")).to_have_text(["one", "two"])
    press(page, "Restore")
    expect(page.get_by_text("No task matches.")).to_be_visible()
    page.get_by_label("Status").select_option("")
    expect(rows).to_have_count(3)
    press(page, "Delete")
    dialog = page.get_by_role("dialog", name="Delete 2 tasks?")
    expect(dialog.get_by_role("listitem")).to_have_text(["one", "two"], use_inner_text=True)
    dialog.get_by_role("button", name="Cancel").click()
    expect(rows).to_have_count(3)
    press(page, "Delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".tasks .name a")).to_have_text(["three"])
    expect(page.locator(".chosen")).to_be_hidden()


def test_a_running_task_is_stopped_and_deleted(visit: Open, api: Api, project: tuple[str, dict[str, str]]) -> None:
    task = project[1]["one"]
    page = visit(f"#/task/{task}/info")
    group = page.get_by_role("group", name="Tidy up")
    expect(group.get_by_role("button", name="Archive")).to_be_visible()
    expect(group.get_by_role("button", name="Stop")).to_be_hidden()
    api.call("tasks.started", task=task)
    expect(group.get_by_role("button", name="Stop")).to_be_visible()
    press(page, "Delete")
    expect(page.get_by_role("dialog")).to_contain_text("is running")
    page.keyboard.press("Escape")
    press(page, "Stop")
    told(page, "Stopped 1 task.")
    expect(page.locator(".head .facts")).to_contain_text("stopped")
    press(page, "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    told(page, "Deleted 1 task.")
    assert api.call("tasks.get_all_ex", id=[task])["tasks"] == []


def test_viewers_are_told_what_the_server_says(browser: Browser, eventide: Deployment) -> None:
    company = f"company {secrets.token_hex(4)}"
    maker_keys, viewer_keys = (eventide.add_user(company, name) for name in ("maker", "viewer"))
    with Api(eventide.origins, maker_keys) as maker, Api(eventide.origins, viewer_keys) as viewer:
        project = maker.call("projects.create", name=f"private {secrets.token_hex(4)}")["id"]
        task = maker.create_task("not yours", project=project)
        maker.call("projects.set_member", project=project, user=id_of(viewer), role="viewer")
        until(
            lambda: viewer.raw("tasks.update", {"task": task}).status_code == 403
        )  # members are cached for some seconds
        with browser.new_context(viewport={"width": 390, "height": 844}) as context:
            cookie = {"name": "clearml_token_basic", "value": viewer.token, "url": eventide.origins.query}
            context.add_cookies([cookie])  # type: ignore[list-item]
            page = context.new_page()
            page.goto(f"{eventide.origins.query}/#/task/{task}/info")
            press(page, "Archive")
            told(page, NOT_ALLOWED)
            press(page, "Rename")
            page.get_by_label("Name", exact=True).fill("mine now")
            page.get_by_role("dialog").get_by_role("button", name="Rename").click()
            expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(NOT_ALLOWED)
            assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
        assert maker.task(task)["name"] == "not yours"
