"""Debug samples of many iterations."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.harness.api import Api
from tests.harness.events import image
from tests.page import demo
from tests.page.conftest import Open

ITERATIONS = 250


@pytest.fixture(scope="module")
def trained(api: Api) -> str:
    """A task with an image at every second of many iterations."""
    task = api.create_task("many images")
    api.add(*(image(task, 2 * n, demo.picture(n % 360), "samples", "input", key=f"k{n}") for n in range(ITERATIONS)))
    return task


@pytest.mark.parametrize("iteration", [0, 50, 250, 498])
def test_the_address_of_an_iteration_shows_it(visit: Open, trained: str, iteration: int) -> None:
    page = visit(f"#/task/{trained}/images?iteration={iteration}")
    expect(page.locator("output")).to_have_text(f"iteration {iteration}")
    expect(page.locator(".images img")).to_have_count(1)
    expect(page.locator(".notice")).to_have_count(0)


@pytest.mark.parametrize(("iteration", "shown"), [(51, 50), (-7, 0), (5000, 498)])
def test_that_an_iteration_has_no_images_is_said(visit: Open, trained: str, iteration: int, shown: int) -> None:
    page = visit(f"#/task/{trained}/images?iteration={iteration}")
    expect(page.locator("output")).to_have_text(f"iteration {shown}")
    expect(page.locator(".notice")).to_have_text(
        f"There are no images at iteration {iteration:,}: shown is {shown}.".replace("+", "")
    )


def test_all_iterations_are_reached_step_by_step_and_at_once(visit: Open, trained: str) -> None:
    page = visit(f"#/task/{trained}/images")
    told = page.locator("output")
    expect(told).to_have_text("iteration 498")
    page.get_by_label("Iteration", exact=True).fill("0")  # the first of those that are there already
    expect(told).to_have_text("iteration 300")
    page.get_by_role("button", name="Earlier iteration").click()
    expect(told).to_have_text("iteration 298")
    page.get_by_role("button", name="First iteration").click()
    expect(told).to_have_text("iteration 0")
    page.get_by_label("Iteration", exact=True).fill("99")
    page.get_by_role("button", name="Later iteration").click()
    expect(told).to_have_text("iteration 200")
    page.get_by_label("Go to iteration").fill("50")
    page.get_by_label("Go to iteration").press("Enter")
    expect(told).to_have_text("iteration 50")
    expect(page).to_have_url(re.compile("iteration=50"))
    page.get_by_role("button", name="Newest iteration").click()
    expect(told).to_have_text("iteration 498")
    expect(page).not_to_have_url(re.compile("iteration="))


def test_a_late_answer_does_not_move_to_another_iteration(visit: Open, trained: str) -> None:
    page = visit(f"#/task/{trained}/images")
    told = page.locator("output")
    expect(told).to_have_text("iteration 498")
    held: list[Route] = []
    page.route("**/events.debug_images", lambda route: held.append(route), times=1)
    with page.expect_request("**/events.debug_images"):
        page.get_by_role("button", name="Newest iteration").click()
    page.get_by_label("Iteration", exact=True).fill("0")
    page.get_by_role("button", name="Earlier iteration").click()
    expect(told).to_have_text("iteration 298")
    with page.expect_response("**/events.debug_images"):
        held[0].continue_()
    page.get_by_role("button", name="Later iteration").click()
    expect(told).to_have_text("iteration 300")


def test_images_that_come_late_are_shown(visit: Open, api: Api) -> None:
    task = api.create_task("late images")
    api.add(image(task, 10, demo.picture(1), "samples", "one"))
    page = visit(f"#/task/{task}/images")
    expect(page.locator(".images img")).to_have_count(1)
    expect(page.locator(".live")).to_be_visible()
    api.add(image(task, 10, demo.picture(2), "samples", "two", timestamp=1_000))
    expect(page.locator(".images img")).to_have_count(2)
    api.add(image(task, 4, demo.picture(3), "samples", "one", timestamp=2_000))
    page.get_by_role("button", name="First iteration").click()
    expect(page.locator("output")).to_have_text("iteration 4")
