"""API contract 3.0.5 and 3.24: what holds for the scroll ids of every endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import SCALAR, Event, image, log, plot, scalar

NO_MORE = (None, "FFFF")
UNKNOWN_IDS = ["garbage", "0123456789abcdef0123456789abcdef", "eyJhbGciOiJIUzI1NiJ9.e30.x", "é", "FFFFF"]


@dataclass(frozen=True)
class Scroll:
    """An endpoint that pages: ``many`` events fill more than two of its pages."""

    name: str
    version: str
    body: Data
    event: Callable[..., Event]
    many: int
    entities: str = "task"
    small: Data | None = None  # a smaller page, where it may be asked for

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    def call(self, api: Api, task: str, **fields: Any) -> Data:
        return api.call(f"events.{self.name}", self.request(task) | fields, version=self.version)

    def fail(self, api: Api, task: str, **fields: Any) -> tuple[int, int]:
        return api.fail(f"events.{self.name}", self.request(task) | fields, version=self.version)

    def request(self, task: str) -> Data:
        entity: Data = {"tasks": [task]} if self.entities == "tasks" else {"task": task}
        return self.body | entity | (self.small or {})


def _image(task: str, number: int) -> Event:
    return image(task, 1, f"u{number}", "m", f"{number:05}")


def _log(task: str, number: int) -> Event:
    return log(task, f"{number:05}", timestamp=number)


def _plot(task: str, number: int) -> Event:
    return plot(task, 1, "{}", f"{number:05}")


def _scalar(task: str, number: int) -> Event:
    return scalar(task, number)


KIND_A = [
    Scroll("get_task_log", "1.0", {}, _log, 25, small={"batch_size": 10}),
    Scroll("get_task_log", "1.7", {"from": "head"}, _log, 25, small={"batch_size": 10}),
    Scroll("get_task_log", "2.8", {"from": "tail"}, _log, 25, small={"batch_size": 10}),
    Scroll("get_scalar_metric_data", "2.22", {"metric": "m"}, _scalar, 1_100),
    Scroll("debug_images", "1.8", {}, _image, 1_100),
    Scroll("get_multi_task_plots", "2.22", {}, _plot, 2_100, "tasks"),
]
KIND_B = [
    Scroll("get_task_events", "2.22", {"event_type": SCALAR}, _scalar, 1_100, small={"batch_size": 500}),
    Scroll("scalar_metrics_iter_raw", "2.22", {"metric": {"metric": "m"}}, _scalar, 1_100, small={"batch_size": 500}),
]
each_a = pytest.mark.parametrize("scroll", KIND_A, ids=str)
each_b = pytest.mark.parametrize("scroll", KIND_B, ids=str)
each = pytest.mark.parametrize("scroll", [*KIND_A, *KIND_B], ids=str)


@pytest.fixture(scope="module")
def one(api: Api) -> str:
    """A task with one event for each scroll."""
    task = api.create_task()
    api.add(*(made(task, 1) for made in (_image, _log, _plot, _scalar)))
    return task


@pytest.fixture(scope="module")
def other(api: Api) -> str:
    """Another such task."""
    task = api.create_task()
    api.add(*(made(task, 1) for made in (_image, _log, _plot, _scalar)))
    return task


@pytest.fixture(scope="module")
def many(api: Api) -> str:
    """A task with as many events as each scroll wants."""
    task = api.create_task()
    wanted = {scroll.event: scroll.many for scroll in [*KIND_A, *KIND_B]}
    api.add(*(made(task, number) for made, count in wanted.items() for number in range(count)))
    return task


def pages(api: Api, task: str, scroll: Scroll, first: Data) -> list[Data]:
    """The answers from ``first`` on until one is empty."""
    answers = [first]
    while answers[-1]["returned"]:
        assert len(answers) < 50, "the scroll does not end"
        answers.append(scroll.call(api, task, scroll_id=answers[-1]["scroll_id"]))
    return answers


@each
def test_pages_add_up(api: Api, many: str, scroll: Scroll) -> None:
    answers = pages(api, many, scroll, scroll.call(api, many))
    assert len(answers) == 4
    assert sum(answer["returned"] for answer in answers) == scroll.many


@each
def test_the_same_page_may_be_asked_for_again(api: Api, many: str, scroll: Scroll) -> None:
    """The SDK repeats a request whose answer it did not see."""
    scroll_id = scroll.call(api, many)["scroll_id"]
    first, second = (scroll.call(api, many, scroll_id=scroll_id) for _ in range(2))
    for answer in (first, second):
        answer.pop("scroll_id")
    assert first == second


@each
def test_an_unknown_scroll_id_is_refused(api: Api, one: str, scroll: Scroll) -> None:
    """API contract 5, row 8."""
    for scroll_id in UNKNOWN_IDS:
        assert scroll.fail(api, one, scroll_id=scroll_id) == (400, 1104), scroll_id


@each
def test_an_empty_scroll_id_is_none(api: Api, one: str, scroll: Scroll) -> None:
    assert scroll.call(api, one, scroll_id="")["returned"] == 1
    assert scroll.call(api, one, scroll_id=None)["returned"] == 1


@each
def test_a_scroll_id_is_of_its_task_and_endpoint(api: Api, one: str, other: str, scroll: Scroll) -> None:
    """API contract, appendix D."""
    scroll_id = scroll.call(api, one)["scroll_id"]
    assert scroll.fail(api, other, scroll_id=scroll_id) == (400, 1104)
    for foreign in [*KIND_A, *KIND_B]:
        if foreign.name != scroll.name:
            assert foreign.fail(api, one, scroll_id=scroll_id) == (400, 1104), str(foreign)


@each
def test_a_tampered_scroll_id_is_refused(api: Api, one: str, scroll: Scroll) -> None:
    scroll_id = scroll.call(api, one)["scroll_id"]
    middle = len(scroll_id) // 3
    changed = "A" if scroll_id[middle] != "A" else "B"
    assert scroll.fail(api, one, scroll_id=scroll_id[:middle] + changed + scroll_id[middle + 1 :]) == (400, 1104)
    assert scroll.fail(api, one, scroll_id=scroll_id[:-4]) == (400, 1104)


@each
def test_the_entity_is_checked_on_every_page(api: Api, one: str, scroll: Scroll) -> None:
    scroll_id = scroll.call(api, one)["scroll_id"]
    assert scroll.fail(api, "no-such-task", scroll_id=scroll_id) == (400, 101)


# --- snapshot scrolls -------------------------------------------------------------------------------------------------


@each_a
def test_a_snapshot_does_not_see_later_events(api: Api, task: str, scroll: Scroll) -> None:
    api.add(*(scroll.event(task, number) for number in range(scroll.many)))
    first = scroll.call(api, task)
    api.add(*(scroll.event(task, number) for number in range(scroll.many, scroll.many + 50)))
    answers = pages(api, task, scroll, first)
    assert sum(answer["returned"] for answer in answers) == scroll.many
    assert {answer["total"] for answer in answers[:-1]} == {scroll.many}
    assert scroll.call(api, task)["total"] == scroll.many + 50


@each_a
def test_the_end_of_a_snapshot(api: Api, one: str, scroll: Scroll) -> None:
    answer = scroll.call(api, one)
    assert (answer["returned"], answer["total"]) == (1, 1)
    assert answer["scroll_id"] not in NO_MORE
    end = scroll.call(api, one, scroll_id=answer["scroll_id"])
    assert end["returned"] == 0
    assert end["scroll_id"] in NO_MORE


@each_a
def test_nothing_found_is_the_end(api: Api, task: str, scroll: Scroll) -> None:
    answer = scroll.call(api, task)
    assert (answer["returned"], answer["total"], answer["scroll_id"] in NO_MORE) == (0, 0, True)


@each_a
def test_the_end_marker_is_an_empty_answer(api: Api, one: str, scroll: Scroll) -> None:
    answer = scroll.call(api, one, scroll_id="FFFF")
    assert (answer["returned"], answer["total"], answer["scroll_id"] in NO_MORE) == (0, 0, True)


@pytest.mark.parametrize("scroll", KIND_A[:3], ids=str)
def test_the_page_size_of_a_snapshot_is_that_of_its_first_call(api: Api, many: str, scroll: Scroll) -> None:
    answer = scroll.call(api, many, batch_size=10)
    sizes = [answer["returned"]]
    for batch_size in (1, 20):
        answer = scroll.call(api, many, batch_size=batch_size, scroll_id=answer["scroll_id"])
        sizes.append(answer["returned"])
    assert sizes == [10, 10, 5]


@pytest.mark.parametrize("scroll", KIND_A[3:4] + KIND_A[5:], ids=str)
def test_no_scroll_makes_no_scroll_id(api: Api, one: str, scroll: Scroll) -> None:
    answer = scroll.call(api, one, no_scroll=True)
    assert (answer["returned"], answer["scroll_id"]) == (1, None)


# --- position scrolls -------------------------------------------------------------------------------------------------


@each_b
def test_the_end_of_a_cursor_is_the_end(api: Api, task: str, scroll: Scroll) -> None:
    answer = scroll.call(api, task)
    for _ in range(3):
        assert answer["returned"] == 0
        assert answer["scroll_id"]
        answer = scroll.call(api, task, scroll_id=answer["scroll_id"])


@each_b
def test_a_cursor_does_not_grow(api: Api, task: str, scroll: Scroll) -> None:
    """API contract, appendix D: bounded cursors everywhere."""
    api.add(*(scroll.event(task, number) for number in range(20)))
    answer, sizes = scroll.call(api, task, batch_size=1), []
    for _ in range(19):
        answer = scroll.call(api, task, batch_size=1, scroll_id=answer["scroll_id"])
        sizes.append(len(answer["scroll_id"]))
    assert answer["returned"] == 1
    assert max(sizes) <= min(sizes) + 8


@each_b
def test_a_cursor_sees_what_comes_after_its_position(api: Api, task: str, scroll: Scroll) -> None:
    """No snapshot."""
    api.add(*(scroll.event(task, number) for number in range(12)))
    first = scroll.call(api, task, batch_size=10)
    api.add(scroll.event(task, 15))
    assert scroll.call(api, task, scroll_id=first["scroll_id"])["returned"] == 3


# --- clear_scroll -----------------------------------------------------------------------------------------------------


@each_a
def test_a_snapshot_that_was_cleared_cannot_be_continued(api: Api, one: str, scroll: Scroll) -> None:
    cleared, kept = (scroll.call(api, one)["scroll_id"] for _ in range(2))
    for _ in range(2):
        assert api.call("events.clear_scroll", scroll_id=cleared) == {}
    assert scroll.fail(api, one, scroll_id=cleared) == (400, 1104)
    scroll.call(api, one, scroll_id=kept)


@each_b
def test_clearing_a_cursor_changes_nothing(api: Api, one: str, scroll: Scroll) -> None:
    scroll_id = scroll.call(api, one)["scroll_id"]
    assert api.call("events.clear_scroll", scroll_id=scroll_id) == {}
    scroll.call(api, one, scroll_id=scroll_id)


@pytest.mark.parametrize("fields", [{}, {"scroll_id": None}, *({"scroll_id": text} for text in ["", "FFFF", "x"])])
def test_clearing_nothing_is_no_fault(api: Api, fields: Data) -> None:
    assert api.call("events.clear_scroll", fields) == {}


@pytest.mark.parametrize("scroll_id", [5, True, ["x"], {}])
def test_a_scroll_id_is_a_text(api: Api, scroll_id: object) -> None:
    assert api.fail("events.clear_scroll", scroll_id=scroll_id) == (400, 12)
