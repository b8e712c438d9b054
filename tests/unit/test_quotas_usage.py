"""In which parts usage is stored, and what they come to."""

from __future__ import annotations

from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.usage import DAY_SECONDS, RATE_SECONDS, gateways_in, presence, totals, usage_change, usage_key

ANN = Subject(Scope.USER, "ann")
NOON = 1_700_000_000.0


def test_bytes_are_counted_by_day_and_added() -> None:
    today, later = (usage_key(Kind.BYTES_PER_DAY, ANN, at, "p") for at in (NOON, NOON + DAY_SECONDS))
    assert today != later
    change = usage_change(today, 10, 2.0)
    assert (change.amount, change.is_added) == (10, True)
    assert totals({today: 10, later: 5}, NOON) == {(Kind.BYTES_PER_DAY, ANN): 10}


def test_rates_are_measured_by_each_process_and_summed() -> None:
    one, other = (usage_key(Kind.EVENTS_PER_SECOND, ANN, NOON, process) for process in ("p", "q"))
    change = usage_change(one, 10, 2.0)
    assert (change.amount, change.is_added, change.keep_seconds) == (5, False, RATE_SECONDS)
    assert totals({one: 5, other: 2}, NOON) == {(Kind.EVENTS_PER_SECOND, ANN): 7}


def test_gateways_count_themselves() -> None:
    usage = {presence(process).key: 1 for process in ("p", "q", "q")}
    assert gateways_in(usage) == 2
    assert gateways_in({}) == 1
    assert totals(usage, NOON) == {}
    assert presence("p", is_last=True).keep_seconds == 0
