"""axe-core finds nothing on any page, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.harness.api import Api
from tests.harness.deployment import Deployment
from tests.page import demo
from tests.page.conftest import Open

SCHEMES = ("light", "dark")
READY = {
    "#/tasks": ".tasks tbody .sparkline",
    "#/tasks?choose={task},{other}": ".chosen .about",
    "#/task/{task}/scalars": ".card .u-over",
    "#/task/{task}/plots": ".card .main-svg",
    "#/task/{task}/images": ".images img",
    "#/task/{task}/console": ".line .message",
    "#/task/{task}/artifacts": ".item",
    "#/task/{task}/info": ".note-card strong",
    "#/task/{task}/system": ".card .u-over",
    "#/compare/{task}/{other}": ".card .u-over",
    "#/quotas": "main .notice, .quotas tbody tr",
    "#/audit": ".audit tbody tr",
}


@pytest.fixture(scope="module")
def shown(api: Api) -> Iterator[dict[str, str]]:
    """Two tasks with something in every tab."""
    configuration = {"model": {"name": "model", "type": "yaml", "value": "layers: 12"}}
    parameter = {"section": "Args", "name": "lr", "value": "0.1"}
    made = {
        name: api.create_task(
            name,
            tags=["seed"],
            comment="**good**",
            configuration=configuration,
            hyperparams={"Args": {"lr": parameter}},
        )
        for name in ("task", "other")
    }
    for task in made.values():
        monitor = {"type": "training_stats_scalar", "task": task, "iter": 1, "metric": ":monitor:gpu", "variant": "v"}
        demo.send(api, [*demo.curves(task, rate=1.0, seed=1, steps=50), monitor | {"value": 1.0}])
        demo.send(api, [*demo.log(task, 60), *demo.plots(task), *demo.images(task), *demo.single_values(task)])
    yield made
    api.call("tasks.delete_many", ids=list(made.values()), force=True)


def violations(page: Page) -> list[str]:
    """What axe-core finds, with the elements that are concerned."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:4]]}" for one in found]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("address", READY)
def test_pages(visit: Open, shown: dict[str, str], address: str, scheme: str) -> None:
    page = visit(address.format(**shown), scheme=scheme)
    expect(page.locator(READY[address]).first).to_be_visible()
    expect(page.locator("h1").first).to_be_visible()  # a task's name is read by a call of its own
    assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_dialogs(visit: Open, shown: dict[str, str], scheme: str) -> None:
    page = visit(f"#/task/{shown['task']}/info", scheme=scheme)
    expect(page.locator("h1")).to_be_visible()
    for name in ("Rename", "Tags", "Note", "Delete"):
        page.get_by_role("group", name="Tidy up").get_by_role("button", name=name).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == [], name
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_logging_in(browser: Browser, eventide: Deployment, scheme: str) -> None:
    with browser.new_context(color_scheme=scheme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(eventide.origins.query)
        expect(page.get_by_label("Secret key")).to_be_visible()
        assert violations(page) == []
