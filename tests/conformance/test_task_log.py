"""API contract 3.10: ``get_task_log`` in its three implementations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import column, log, scalar

LOG = "events.get_task_log"
NO_MORE = (None, "FFFF")


@pytest.fixture(scope="module")
def ten(api: Api) -> str:
    """The worked example: m0 … m9, two per timestamp 1000, 1010, … 1040."""
    task = api.create_task()
    api.add(*(log(task, f"m{number}", timestamp=1000 + number // 2 * 10) for number in range(10)))
    api.add(scalar(task, 1))
    return task


def messages(answer: Data) -> list[str]:
    assert answer["returned"] == len(answer["events"])
    return column(answer["events"], "msg")


def names(numbers: str) -> list[str]:
    return [f"m{number}" for number in numbers]


# --- implementation 2.9 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "8967452301"),
        ({"batch_size": 3}, "8967"),
        ({"batch_size": 3, "order": "asc"}, "7698"),
        ({"batch_size": 3, "order": "desc"}, "8967"),
        ({"batch_size": 3, "navigate_earlier": False}, "0123"),
        ({"batch_size": 3, "navigate_earlier": False, "order": "asc"}, "0123"),
        ({"batch_size": 3, "navigate_earlier": False, "order": "desc"}, "3210"),
        ({"batch_size": 3, "from_timestamp": 1020}, "2301"),
        ({"batch_size": 3, "from_timestamp": 1020, "navigate_earlier": False}, "6789"),
        ({"batch_size": 1, "from_timestamp": 1020, "navigate_earlier": False}, "67"),
        ({"batch_size": 4}, "8967"),
        ({"batch_size": 5}, "896745"),
        ({"batch_size": 0}, ""),
        ({"batch_size": 10_000}, "8967452301"),
        ({"from_timestamp": 0}, "8967452301"),  # API contract 5, row 1: kept
        ({"from_timestamp": 0, "navigate_earlier": False}, "0123456789"),
        ({"from_timestamp": "1020"}, "2301"),
        ({"from_timestamp": 1020.9}, "2301"),
        ({"from_timestamp": None}, "8967452301"),
        ({"from_timestamp": 1000}, ""),
        ({"from_timestamp": 1040, "navigate_earlier": False}, ""),
        ({"from_timestamp": 1041}, "8967452301"),
        ({"from_timestamp": -5, "navigate_earlier": False}, "0123456789"),
        ({"from_timestamp": -5}, ""),
    ],
)
def test_a_page_next_to_a_time(api: Api, ten: str, fields: dict[str, Any], expected: str) -> None:
    answer = api.call(LOG, fields, task=ten)
    assert set(answer) == {"events", "returned", "total"}
    assert messages(answer) == names(expected)
    assert answer["total"] == 10


def test_paging_by_the_last_timestamp(api: Api, task: str) -> None:
    """The upstream test: 5 + 5 of 10 lines, the total on each page."""
    api.add(*(log(task, f"m{number}", timestamp=1000 + number) for number in range(10)))
    first = api.call(LOG, task=task, batch_size=5)
    assert (messages(first), first["total"]) == (names("98765"), 10)
    second = api.call(LOG, task=task, batch_size=5, from_timestamp=first["events"][-1]["timestamp"])
    assert (messages(second), second["total"]) == (names("43210"), 10)
    third = api.call(LOG, task=task, batch_size=5, from_timestamp=second["events"][-1]["timestamp"])
    assert (messages(third), third["total"]) == ([], 10)


@pytest.mark.parametrize("fields", [{"navigate_earlier": False}, {"order": "asc"}])
def test_ascending_order_in_two_ways(api: Api, ten: str, fields: dict[str, Any]) -> None:
    times = column(api.call(LOG, fields, task=ten)["events"], "timestamp")
    assert times == sorted(times)
    default = column(api.call(LOG, task=ten)["events"], "timestamp")
    assert default == sorted(default, reverse=True)


def test_the_sdk_reads_the_last_lines_in_ascending_order(api: Api, task: str) -> None:
    api.add(*(log(task, f"m{number}", timestamp=number) for number in range(9)))
    answer = api.call(LOG, task=task, batch_size=3, navigate_earlier=True, order="asc")
    assert messages(answer) == names("678")


def test_no_lines(api: Api, task: str) -> None:
    assert api.call(LOG, task=task) == {"events": [], "returned": 0, "total": 0}


def test_the_filter_affects_page_and_total(api: Api, task: str) -> None:
    api.add(*(log(task, f"m{n}", metric="ab"[n % 2], variant="xyz"[n % 3], timestamp=n) for n in range(9)))
    answer = api.call(LOG, task=task, batch_size=2, metrics=[{"metric": "a", "variants": ["x", "y"]}])
    assert (messages(answer), answer["total"]) == (names("64"), 3)


def test_a_time_is_never_split_between_pages(api: Api, task: str) -> None:
    api.add(*(log(task, f"m{number}", timestamp=5) for number in range(10)), log(task, timestamp=4))
    assert messages(api.call(LOG, task=task, batch_size=1)) == names("0123456789")


def test_fractions_of_a_millisecond_are_dropped_in_the_order(api: Api, task: str) -> None:
    api.add(*(log(task, f"m{place}", timestamp=time) for place, time in enumerate([5.9, 5.1, 5, 4.9])))
    answer = api.call(LOG, task=task, batch_size=1)
    assert messages(answer) == names("012")
    assert column(answer["events"], "timestamp") == [5.9, 5.1, 5]


def test_lines_without_a_time_are_the_last_page(api: Api, task: str) -> None:
    """API contract 5, row 2."""
    api.add(*(log(task, f"m{place}", timestamp=time) for place, time in enumerate([None, 1, 2, None])))
    assert messages(api.call(LOG, task=task)) == names("2103")
    assert messages(api.call(LOG, task=task, navigate_earlier=False)) == names("1203")


def test_the_total_is_capped_where_there_is_no_scroll(api: Api, task: str) -> None:
    """API contract 3.0.4."""
    api.add(*(log(task, timestamp=number) for number in range(10_003)))
    answer = api.call(LOG, task=task, batch_size=2)
    assert (answer["returned"], answer["total"]) == (2, 10_000)
    assert api.call(LOG, version="1.7", task=task, batch_size=2)["total"] == 10_003


def test_the_total_of_a_long_log_falls_when_lines_are_deleted(api: Api, task: str) -> None:
    """A long log's total is remembered."""
    api.add(*(log(task, timestamp=number, metric="kept" if number < 3 else "m") for number in range(10_003)))
    assert [api.call(LOG, task=task, batch_size=1)["total"] for _ in range(2)] == [10_000] * 2
    api.call("events.clear_task_log", task=task, include_metrics=["m"])
    answer = api.call(LOG, task=task, batch_size=2)
    assert (column(answer["events"], "timestamp"), answer["total"]) == ([2, 1], 3)


@pytest.mark.parametrize("size", [3, 1200])
def test_a_page_of_many_that_are_searched_for(api: Api, task: str, size: int) -> None:
    """More than are counted, from either end and from the middle, beside lines that are not meant."""
    api.add(*(log(task, "ab"[n % 11 == 0], timestamp=1 + n) for n in range(12_000)))
    wanted = [1 + n for n in range(12_000) if n % 11]

    def found(**fields: Any) -> list[int]:
        answer = api.call(LOG, fields, task=task, batch_size=size, search="A")
        assert answer["total"] == 10_000
        return column(answer["events"], "timestamp")

    assert found() == wanted[::-1][:size]
    assert found(navigate_earlier=False) == wanted[:size]
    assert found(from_timestamp=6_000) == [time for time in wanted[::-1] if time < 6_000][:size]
    assert found(from_timestamp=6_000, navigate_earlier=False) == [time for time in wanted if time > 6_000][:size]


def test_the_default_page_has_5000_lines(api: Api, task: str) -> None:
    api.add(*(log(task, timestamp=number) for number in range(5_001)))
    answer = api.call(LOG, task=task)
    assert (answer["returned"], answer["total"], answer["events"][0]["timestamp"]) == (5_000, 5_001, 5_000)


@pytest.mark.parametrize("batch_size", [-1, -10_000])
def test_a_negative_page_is_refused(api: Api, task: str, batch_size: int) -> None:
    assert api.fail(LOG, task=task, batch_size=batch_size)[0] == 400


def test_a_page_beyond_10_000_is_refused_or_whole(api: Api, ten: str) -> None:
    response = api.raw(LOG, {"task": ten, "batch_size": 10_001})
    assert response.status_code == 400 or response.json()["data"]["returned"] == 10


# --- implementation 1.7 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "pages"),
    [
        ({}, ["3210", "7654", "98"]),
        ({"from": "head"}, ["3210", "7654", "98"]),
        ({"from": None}, ["3210", "7654", "98"]),
        ({"from": ""}, ["3210", "7654", "98"]),
        ({"order": "asc"}, ["0123", "4567", "89"]),
        ({"order": "desc"}, ["3210", "7654", "98"]),
        ({"order": None}, ["3210", "7654", "98"]),
        ({"from": "tail"}, ["8967", "4523", "01"]),
        ({"from": "anything"}, ["8967", "4523", "01"]),
        ({"from": "tail", "order": "asc"}, ["7698", "3254", "10"]),
    ],
)
@pytest.mark.parametrize("version", ["1.7", "2.8"])
def test_pages_from_either_end(api: Api, ten: str, fields: dict[str, Any], pages: list[str], version: str) -> None:
    scroll_id = ""
    for page in [*pages, ""]:
        answer = api.call(LOG, fields, version=version, task=ten, batch_size=4, scroll_id=scroll_id)
        assert set(answer) == {"events", "returned", "total", "scroll_id"}
        assert messages(answer) == names(page)
        assert answer["total"] == 10
        scroll_id = answer["scroll_id"]
    assert scroll_id in NO_MORE


# --- implementation 1.0 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "pages"),
    [
        ({}, ["8967", "4523", "01"]),
        ({"order": "desc"}, ["8967", "4523", "01"]),
        ({"order": "asc"}, ["0123", "4567", "89"]),
        ({"from": "head"}, ["8967", "4523", "01"]),  # ignored
        ({"from": "tail", "order": "asc"}, ["0123", "4567", "89"]),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.6"])
def test_pages_by_time(api: Api, ten: str, fields: dict[str, Any], pages: list[str], version: str) -> None:
    scroll_id = ""
    for page in [*pages, ""]:
        answer = api.call(LOG, fields, version=version, task=ten, batch_size=4, scroll_id=scroll_id)
        assert messages(answer) == names(page)
        assert answer["total"] == 10
        scroll_id = answer["scroll_id"]
    assert scroll_id in NO_MORE


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_of_lines_that_share_a_time_add_up(api: Api, task: str, order: str) -> None:
    """Many more than a page has, and some without a time, which come last."""
    times = [1] * 2 + [5] * 70 + [9] * 2 + [None] * 5
    api.add(*(log(task, f"m{number}", timestamp=time) for number, time in enumerate(times)))
    pages, scroll_id = [], ""
    while (answer := api.call(LOG, version="1.0", task=task, order=order, batch_size=3, scroll_id=scroll_id))["events"]:
        pages.append(messages(answer))
        scroll_id = answer["scroll_id"]
    numbers = list(range(79)) if order == "asc" else [72, 73, *range(2, 72), 0, 1, *range(74, 79)]
    assert [len(page) for page in pages] == [3] * 26 + [1]
    assert [line for page in pages for line in page] == [f"m{number}" for number in numbers]


@pytest.mark.parametrize("version", ["1.0", "1.7"])
def test_the_older_ones_default_to_500_lines(api: Api, task: str, version: str) -> None:
    api.add(*(log(task, timestamp=number) for number in range(501)))
    answer = api.call(LOG, version=version, task=task)
    assert (answer["returned"], answer["total"]) == (500, 501)


@pytest.mark.parametrize("version", ["1.0", "1.7"])
def test_the_older_ones_cap_a_page_at_10_000_lines(api: Api, task: str, version: str) -> None:
    api.add(*(log(task, timestamp=number) for number in range(10_001)))
    answer = api.call(LOG, version=version, task=task, batch_size=50_000)
    assert (answer["returned"], answer["total"]) == (10_000, 10_001)


@pytest.mark.parametrize("version", ["1.0", "1.7"])
def test_no_lines_end_the_scroll_at_once(api: Api, task: str, version: str) -> None:
    answer = api.call(LOG, version=version, task=task)
    assert (answer["events"], answer["returned"], answer["total"]) == ([], 0, 0)
    assert answer["scroll_id"] in NO_MORE


@pytest.mark.parametrize("version", ["1.0", "1.7"])
@pytest.mark.parametrize("fields", [{"batch_size": -1}, {"batch_size": "x"}, {"order": "up"}, {"scroll_id": 5}])
def test_malformed_requests_to_the_older_ones(api: Api, task: str, version: str, fields: dict[str, Any]) -> None:
    assert api.fail(LOG, fields, version=version, task=task)[0] == 400


# --- Eventide's own ---------------------------------------------------------------------------------------------------


def test_lines_are_searched_by_text_and_level(api: Api, task: str) -> None:
    texts = ["Loss is nan", "saved", "loss 0.5", "ÜBER the limit", "a % and a _ and a '"]
    api.add(*(log(task, text, timestamp=1000 + n, level="error" if n == 0 else "info") for n, text in enumerate(texts)))

    def found(**fields: Any) -> list[str]:
        answer = api.call(LOG, fields, task=task, order="asc", navigate_earlier=False)
        assert answer["total"] == answer["returned"]
        return column(answer["events"], "msg")

    assert found(search="LOSS") == ["Loss is nan", "loss 0.5"]
    assert found(search="über") == ["ÜBER the limit"]
    assert found(search="% and a _ and a '") == [texts[4]]
    assert found(search="%loss%") == []
    assert found(levels=["error"]) == ["Loss is nan"]
    assert found(levels=["error", "info"], search="loss", batch_size=10) == ["Loss is nan", "loss 0.5"]
    assert found(search="", levels=[]) == texts


@pytest.mark.parametrize(
    ("search", "places"),
    [
        ("300 KELVIN", [0]),
        ("300 \u212aelvin", [1]),
        ("token", []),
        ("50%_\\n", [3]),
        ("50%", [3]),
        ("STRAßE nach", [4]),
        ("straẞe NACH", [4]),
        ("'quoted\" {x:String}\ttext", [5]),
        ("ne", [6]),
        ("one\ntwo", [6]),
        ("50%.*", []),
        ("300 celsius", []),
    ],
)
def test_the_text_of_a_search_is_literal(api: Api, task: str, search: str, places: list[int]) -> None:
    """With what means something in a pattern, is folded in an unusual way, or is too short for an index."""
    texts = ["at 300 Kelvin", "at 300 \u212aELVIN", "a TO\u212aEN", "50%_\\n", "Straße nach Ulm"]
    texts += ["'Quoted\" {x:String}\tTEXT", "ONE\nTWO", ""]
    api.add(*(log(task, text, timestamp=1000 + place) for place, text in enumerate(texts)))
    answer = api.call(LOG, task=task, order="asc", search=search)
    assert (column(answer["events"], "msg"), answer["total"]) == ([texts[place] for place in places], len(places))
