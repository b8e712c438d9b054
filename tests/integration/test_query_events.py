"""``get_task_events`` (API contract 3.11)."""

from __future__ import annotations

import pytest

from tests.harness.events import ABSENT, LOG, SCALAR, column, image, log, one_of_each, plot, scalar
from tests.integration.conftest import Service

ACTION = "get_task_events"


def test_a_tie_group_beyond_the_limit_is_resumed_inside(service: Service) -> None:
    task = service.new_task()
    service.send(scalar(task, 0, n, variant=str(n)) for n in range(10_300))
    service.send([plot(task, 0), scalar(task, 1, -1)])
    answers = list(service.scroll(ACTION, task=task, batch_size=200))
    assert column(answers, "returned", "total") == [(10_200, 10_302), (102, 10_302), (0, 10_302)]
    events = [event for answer in answers for event in answer["events"]]
    assert events[0]["type"] == "plot"
    assert column(events[1:], "value") == [*range(10_300), -1]


def test_every_event_once_in_either_order(service: Service) -> None:
    task = service.new_task()
    lines = [event for n in (0, -3, 2, 0) for event in one_of_each(task, iter=n, variant=str(n))]
    service.send([*lines, log(task, "a"), image(task, ABSENT), log(task, "b"), image(task, None)])
    for order in ("asc", "desc"):
        for batch_size in (1, 4, 7):
            answers = list(service.scroll(ACTION, task=task, order=order, batch_size=batch_size))
            events = [event for answer in answers for event in answer["events"]]
            iters = [event["iter"] for event in events if event.get("iter") is not None]
            assert iters == sorted(iters, reverse=order == "desc")
            assert len(iters) == 16  # the second 0 replaced all but the log line
            assert column(events[-4:], "type") == [LOG, LOG, "training_debug_image", "training_debug_image"]
            assert "iter" not in events[-2]
            assert events[-1]["iter"] is None


@pytest.mark.parametrize("event_type", [SCALAR, "*"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_first_events_of_many_come_first(service: Service, event_type: str, order: str) -> None:
    """Curves lie one behind the other in the table, and a page has a little of each."""
    task, curves, steps, size = service.new_task(), 8, 4000, 4000
    service.send(scalar(task, step, metric=f"m{curve}") for step in range(steps) for curve in range(curves))
    page = service.call(ACTION, task=task, event_type=event_type, order=order, batch_size=size)
    expected = list(range(steps) if order == "asc" else reversed(range(steps)))[: size // curves]
    assert column(page["events"], "iter") == [step for step in expected for _ in range(curves)]
    assert page["total"] == curves * steps


def test_events_written_during_a_scroll_are_not_lost(service: Service) -> None:
    task = service.new_task()
    service.send(scalar(task, n) for n in range(4))
    first = service.call(ACTION, task=task, batch_size=2)
    service.send([scalar(task, 1, variant="late"), scalar(task, 9)])
    rest = service.call(ACTION, task=task, batch_size=10, scroll_id=first["scroll_id"])
    assert column(rest["events"], "iter", "variant") == [(1, "late"), (2, "v"), (3, "v"), (9, "v")]


def test_the_end_can_be_asked_for_again(service: Service) -> None:
    task = service.new_task()
    empty = service.call(ACTION, task=task)
    assert (empty["events"], empty["returned"], empty["total"]) == ([], 0, 0)
    service.send([scalar(task)])
    assert service.call(ACTION, task=task, scroll_id=empty["scroll_id"]) == empty
    assert service.fail(ACTION, task=service.new_task(), scroll_id=empty["scroll_id"]) == (400, 1104)
    assert service.fail("scalar_metrics_iter_raw", task=task, metric={"metric": "m"}, scroll_id=empty["scroll_id"]) == (
        400,
        1104,
    )


def test_plots_are_whole_and_cursors_stay_small(service: Service) -> None:
    task = service.new_task()
    text = '{"data": "' + "é" * 120_000 + '"}'
    service.send([plot(task, 0, text), *(scalar(task, n) for n in range(30))])
    answers = list(service.scroll(ACTION, task=task, batch_size=1, metrics=[{"metric": "m", "variants": ["v"]}]))
    event = answers[0]["events"][0]
    assert event["plot_str"] == text
    assert event["plot_len"] == len(text)
    assert "plot_data" not in event
    assert max(len(answer["scroll_id"]) for answer in answers) - len(answers[0]["scroll_id"]) < 20
