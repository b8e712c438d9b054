"""Names and tasks that are easily taken for others, and those that cannot be compared."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.harness.api import Api
from tests.harness.events import scalar
from tests.page.conftest import Open

ALIKE = ("resnet50_imagenet_batch_256_learning_rate_0.1_seed_1", "resnet50_imagenet_batch_256_learning_rate_0.1_seed_2")


def test_names_with_slashes_stay_apart(visit: Open, api: Api) -> None:
    task = api.create_task("slashes")
    api.add(scalar(task, 0, 1.0, "a", "b/c"), scalar(task, 0, 2.0, "a/b", "c"), scalar(task, 0, 3.0, "a", "x"))
    page = visit(f"#/compare/{task}")
    expect(page.locator(".card h3")).to_have_text(["a › b/c", "a / x", "a/b › c"], use_inner_text=True)
    for title, value in {"a › b/c": "1", "a/b › c": "2"}.items():
        card = page.get_by_role("article", name=title)
        expect(card.locator(".series .value")).to_have_text(value)
    page.goto(f"{page.url.split('#')[0]}#/task/{task}/scalars")
    first = page.get_by_role("article", name="a", exact=True).get_by_role("button", name="b/c")
    first.click()
    expect(first).to_have_attribute("aria-pressed", "false")
    other = page.get_by_role("article", name="a/b").locator(".series", has_text="c")
    expect(other).to_have_attribute("aria-pressed", "true")


def test_long_names_that_are_nearly_alike_are_seen_to_differ(visit: Open, api: Api) -> None:
    tasks = [api.create_task(name) for name in (*ALIKE, "same", "same")]
    for task in tasks:
        api.add(scalar(task, 0, 1.0, "loss", "train"))
    page = visit(f"#/compare/{'/'.join(tasks)}")
    names = page.get_by_role("article").locator(".series .name")
    expect(names).to_have_count(4)
    seen = names.evaluate_all("all => all.map(e => e.scrollWidth <= e.clientWidth ? e.textContent : 'cut off')")
    assert seen[:2] == ["resnet50…eed_1", "resnet50…eed_2"]
    assert seen[2:] == [f"{task[:6]} same" for task in tasks[2:]]
    expect(page.locator(".compared .name")).to_have_text([*ALIKE, *seen[2:]])


def test_a_task_that_is_not_there_is_named_and_the_others_are_compared(visit: Open, api: Api) -> None:
    task, missing = api.create_task("there"), "0" * 32
    api.add(scalar(task, 0, 4.5, "loss", "train"))
    page = visit(f"#/compare/{task}/{missing}")
    expect(page.get_by_role("alert")).to_have_text(f"There is no task {missing}.")
    expect(page.get_by_role("article").locator(".series .value")).to_have_text("4.5")
    page.goto(f"{page.url.split('#')[0]}#/compare/{missing}")
    expect(page.get_by_role("alert")).to_have_text(f"There is no task {missing}.")


def test_that_some_are_left_out_is_said(visit: Open, api: Api) -> None:
    tasks = [api.create_task("the first"), *(f"{number:032x}" for number in range(101))]
    page = visit(f"#/compare/{'/'.join(tasks)}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 1 task")
    expect(page.get_by_role("alert").last).to_contain_text("the last 2 of 102 are left out")


@pytest.mark.parametrize(
    ("value", "seen"),
    [(False, "false"), (0, "0"), ("", ""), ({"a": [1, 2]}, '"a"'), ([True], "true"), ("text", "text")],
)
def test_hyper_parameters_are_shown_whatever_they_are(visit: Open, api: Api, value: object, seen: str) -> None:
    task = api.create_task("parameters")
    parameter = {"section": "Args", "name": "it", "value": value}
    api.call("tasks.edit_hyper_params", task=task, hyperparams=[parameter])
    page = visit(f"#/task/{task}/info")
    expect(page.get_by_role("row", name="it").get_by_role("cell")).to_contain_text(seen)
