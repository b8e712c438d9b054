"""``query/sql/statements.py``: what requests may name is what there is."""

from __future__ import annotations

from typing import get_args

from ingest.parsing.arrow_stream import OWN
from query.sql.statements import ANY_TYPE, EventType
from schema.events.tables import EVENT_TYPES, TABLES


def test_requests_name_each_event_type_or_any() -> None:
    assert get_args(EventType) == (*EVENT_TYPES, ANY_TYPE)


def test_columns_of_arrow_bodies_are_those_of_event_types() -> None:
    assert OWN.keys() <= TABLES.keys()
