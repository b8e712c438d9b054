"""Keys of the list of tasks and of the tabs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.harness.api import Api
from tests.page.conftest import Open

NAMES = ("first", "second", "third")


@pytest.fixture(scope="module")
def project(api: Api) -> Iterator[str]:
    """A project of three tasks."""
    made = str(api.call("projects.create", name=f"keys {secrets.token_hex(4)}")["id"])
    tasks = [api.create_task(name, project=made) for name in NAMES]
    yield made
    api.call("tasks.delete_many", ids=tasks, force=True)


def test_the_list_is_used_by_keys_alone(visit: Open, project: str) -> None:
    page = visit(f"#/tasks?project={project}&sort=name")
    links = page.locator(".tasks .name a")
    expect(links).to_have_text(NAMES)
    for key, name in (("j", "first"), ("j", "second"), ("j", "third"), ("j", "third"), ("k", "second")):
        page.keyboard.press(key)
        expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_label("Compare second")).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator(".chosen")).to_contain_text("2 chosen")
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search tasks")
    expect(field).to_be_focused()
    page.keyboard.type("jkxc?")  # what is typed is no command
    expect(field).to_have_value("jkxc?")
    field.fill("")
    page.get_by_role("heading", name="Tasks").click()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog.get_by_role("row")).to_have_count(6)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile("#/compare/"))


def test_arrows_go_from_tab_to_tab(visit: Open, task: str) -> None:
    page = visit(f"#/task/{task}/info")
    page.get_by_role("tab", name="Info").focus()
    for key, name in (
        ("ArrowRight", "System"),
        ("ArrowRight", "Scalars"),
        ("ArrowLeft", "System"),
        ("Home", "Scalars"),
    ):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=name)).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="System")).to_have_attribute("aria-selected", "true")
