"""``schema/events/render.py``: rows become events, singly or in columns; the way there and back is in
test_events.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.events.normalize import ParseContext, normalise
from schema.events.render import document, documents_of, iso_time
from tests.harness.events import ABSENT, TYPES, Event, one_of_each

CONTEXT = ParseContext(now_ms=1_700_000_000_123, worker="w")
RECEIVED = {"received_at": 1_700_000_000_456, "seq": 7}


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1671639980222, "2022-12-21T16:26:20.222Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_iso_times(ms: int, text: str) -> None:
    assert iso_time(ms) == text


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_number_of_milliseconds_is_some_time(ms: int) -> None:
    assert len(iso_time(ms)) == len("1970-01-01T00:00:00.000Z")


UNUSUAL: list[Event] = [
    {"iter": 3},
    {"iter": None},
    {"key": "k"},
    {"timestamp": None},
    {"note": 1},
    {"level": ABSENT},
    {"msg": 5},
]


@pytest.mark.parametrize("unusual", [{}, *UNUSUAL], ids=" ".join)
@pytest.mark.parametrize("event_type", TYPES)
def test_events_of_columns_are_those_of_their_rows(event_type: str, unusual: Event) -> None:
    """Of two usual lines, and of one that is not among them."""
    lines = [line for line in one_of_each("t") if line["type"] == event_type]
    lines = [{name: value for name, value in line.items() if name != "iter"} for line in lines * 3]
    lines[1] = {name: value for name, value in (lines[1] | unusual).items() if value is not ABSENT}
    rows = [normalise(line, place, CONTEXT).row | RECEIVED for place, line in enumerate(lines)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    expected = [document(row, event_type) for row in rows]
    found = documents_of(columns, event_type)
    assert [list(event.items()) for event in found] == [list(event.items()) for event in expected]
