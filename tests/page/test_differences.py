"""What compared tasks were started with, side by side."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.harness.api import Api
from tests.page.conftest import Open

ODD = "<b>no</b>"


def parameters(**values: Any) -> dict[str, Any]:
    return {"Args": {name: {"section": "Args", "name": name, "value": value} for name, value in values.items()}}


def script(commit: str, packages: str) -> dict[str, Any]:
    return {"repository": "https://example.com/r.git", "version_num": commit, "requirements": {"pip": packages}}


@pytest.fixture(scope="module")
def runs(api: Api) -> list[str]:
    """Three tasks that differ in a few things."""
    fields: list[dict[str, Any]] = [
        {
            "hyperparams": parameters(lr="0.1", width="64", odd="<b>no</b>"),
            "script": script("aaa", "numpy==1.26\ntorch"),
        },
        {"hyperparams": parameters(lr="0.01", width="64"), "script": script("aaa", "numpy == 2.0\ntorch")},
        {
            "hyperparams": parameters(lr="0.1", width="64", odd="<b>no</b>"),
            "script": script("bbb", "numpy==1.26\ntorch"),
        },
    ]
    return [api.create_task(f"run {number}", **of_task) for number, of_task in enumerate(fields)]


def rows(page: Page) -> dict[str, list[str]]:
    """The table: texts by name; those that differ from the base's begin with a star."""
    found: list[list[str]] = page.locator(".differences-under-test tbody tr:has(td)").evaluate_all(
        "all => all.map(row => [...row.cells].map(c => (c.classList.contains('differs') ? '*' : '') + c.textContent))"
    )
    return {name: texts for name, *texts in found}


def opened(visit: Open, address: str) -> Page:
    page = visit(address)
    part = page.locator("details", has_text="Parameters, code and environment")
    part.locator("summary").click()
    expect(part.get_by_role("table")).to_be_visible()
    part.evaluate("part => part.classList.add('differences-under-test')")
    return page


def test_only_what_differs_is_shown_beside_the_base(visit: Open, runs: list[str]) -> None:
    page = opened(visit, f"#/compare/{'/'.join(runs)}")
    assert rows(page) == {
        "lr": ["0.1", "*0.01", "0.1"],
        "odd": [ODD, "*–", ODD],
        "commit": ["aaa", "aaa", "*bbb"],
        "numpy": ["1.26", "*2.0", "1.26"],
    }
    page.get_by_label("Compared with").select_option(runs[1])
    assert rows(page)["lr"] == ["*0.1", "0.01", "*0.1"]
    page.get_by_label("also what is the same").check()
    assert rows(page)["width"] == ["64", "64", "64"]
    assert rows(page)["torch"] == ["any", "any", "any"]
    page.reload()
    expect(page.get_by_label("also what is the same")).to_be_checked()
    expect(page.get_by_label("Compared with")).to_have_value(runs[1])


def test_tasks_that_were_started_alike_are_said_to_be(visit: Open, api: Api, runs: list[str]) -> None:
    page = visit(f"#/compare/{runs[0]}?started=1")
    expect(page.get_by_text("They were started with the same.")).to_be_visible()
    page = visit(f"#/compare/{api.create_task('nothing')}/{api.create_task('nothing too')}?started=1")
    expect(page.get_by_text("None of them says what it was started with.")).to_be_visible()
