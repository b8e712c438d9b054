"""The faults' checker sees what is lost, twice, back from the dead, or older than what was acknowledged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from tests.faults.truth import LINES, OVERWRITTEN, POINTS, Batch, Deletion, Event, Ledger, Verdict, check, name_of

TASK = "a"


def ledger_of(*entries: Batch | Deletion) -> Ledger:
    ledger = Ledger()
    for entry in entries:
        ledger.begin(entry)
    return ledger


def batch(number: int, invoked: float, acked: float | None) -> Batch:
    return Batch("w", number, (TASK,), invoked, acked)


def stored(*batches: Batch) -> list[Event]:
    """What a task holds once these are written, one after the other."""
    events = [event for one in batches for event in one.events(TASK)]
    newest = max((event["value"] for event in events if event.get("metric") == OVERWRITTEN), default=None)
    return [event for event in events if event.get("metric") != OVERWRITTEN or event["value"] == newest]


def verdict_on(ledger: Ledger, events: Iterable[Event], parked: Iterable[Event] = ()) -> Verdict:
    return check(ledger, lambda _: list(events), {TASK: Counter(name_of(event) for event in parked)})


ONE, TWO = batch(1, 1, 2), batch(2, 3, 4)


def test_all_is_good_if_everything_is_there_once() -> None:
    verdict = verdict_on(ledger_of(ONE, TWO), stored(ONE, TWO))
    assert verdict.is_good
    assert (verdict.sent, verdict.acked, verdict.read) == (62, 62, 61)


@pytest.mark.parametrize("missing", range(POINTS + LINES))
def test_each_missing_event_is_lost(missing: int) -> None:
    events = [event for event in stored(ONE) if event.get("metric") != OVERWRITTEN]
    overwritten = [event for event in stored(ONE) if event.get("metric") == OVERWRITTEN]
    verdict = verdict_on(ledger_of(ONE), events[:missing] + events[missing + 1 :] + overwritten)
    assert (verdict.lost, verdict.twice) == (1, 0)
    assert not verdict.is_good


def test_what_is_parked_is_not_lost() -> None:
    events = stored(ONE)
    assert verdict_on(ledger_of(ONE), events[1:], events[:1]).is_good


@pytest.mark.parametrize("place", [0, POINTS, POINTS + 1])
def test_each_repeated_event_is_seen(place: int) -> None:
    events = stored(ONE)
    verdict = verdict_on(ledger_of(ONE), [*events, events[place]])
    assert (verdict.lost, verdict.twice) == (0, 1)


def test_an_older_value_on_top_is_wrong() -> None:
    older = [event for event in stored(ONE) if event.get("metric") == OVERWRITTEN]
    others = [event for event in stored(ONE, TWO) if event.get("metric") != OVERWRITTEN]
    assert verdict_on(ledger_of(ONE, TWO), others + older).wrong


def test_what_was_never_acknowledged_may_be_there_or_not() -> None:
    unanswered = batch(2, 3, None)
    ledger = ledger_of(ONE, unanswered)
    assert verdict_on(ledger, stored(ONE)).is_good
    assert verdict_on(ledger, stored(ONE, unanswered)).is_good


def test_what_was_deleted_must_be_gone() -> None:
    ledger = ledger_of(ONE, Deletion(TASK, False, 2.5, 2.7), TWO)
    assert verdict_on(ledger, stored(TWO)).is_good
    assert verdict_on(ledger, stored(ONE, TWO)).wrong


def test_a_cleared_log_leaves_the_points() -> None:
    ledger = ledger_of(ONE, Deletion(TASK, True, 2.5, 2.7))
    points = [event for event in stored(ONE) if "msg" not in event]
    assert verdict_on(ledger, points).is_good
    assert verdict_on(ledger, stored(ONE)).wrong
    assert verdict_on(ledger, []).lost == POINTS


def test_what_raced_with_a_deletion_may_be_there_or_not() -> None:
    ledger = ledger_of(Deletion(TASK, False, 1.5, 3), ONE)
    assert verdict_on(ledger, stored(ONE)).is_good
    assert verdict_on(ledger, []).is_good


def test_what_nobody_wrote_is_wrong() -> None:
    assert verdict_on(ledger_of(ONE), stored(ONE, TWO)).wrong


def test_a_problem_on_the_way_is_wrong() -> None:
    ledger = ledger_of(ONE)
    ledger.complain("a 500")
    assert verdict_on(ledger, stored(ONE)).wrong == ["a 500"]
