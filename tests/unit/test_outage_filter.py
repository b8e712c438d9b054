"""While something is away the log has one line a minute for each cause, and says how many it has not told."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from schema.errors import Unavailable
from schema.json_logging import JsonLogFormatter
from schema.outage_filter import MAX_CAUSES, OutageFilter


class Lines(logging.Handler):
    """A handler that keeps what it lets through."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.addFilter(OutageFilter(lambda: self.now))
        self.setFormatter(JsonLogFormatter())
        self.lines: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def told() -> Iterator[Lines]:
    handler = Lines()
    loggers = [logging.getLogger(name) for name in ("eventide.test", "aiokafka.test")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)


ours, others = logging.getLogger("eventide.test"), logging.getLogger("aiokafka.test")


def away(number: int) -> Unavailable:
    ids = f"query_id={uuid.uuid4()}, object at 0x7f{number:08x}"
    return Unavailable(f"ClickHouse does not answer: connection {number} refused ({ids})")


def test_one_line_a_minute_with_the_number_of_the_others(told: Lines) -> None:
    before = REGISTRY.get_sample_value("eventide_log_lines_withheld_total") or 0.0
    for second in range(150):
        told.now = float(second)
        for number in range(10):
            ours.error("%s: %s", f"events.call_{number}", away(second * 10 + number))
    assert [line.get("withheld") for line in told.lines] == [None, 599, 599]
    assert REGISTRY.get_sample_value("eventide_log_lines_withheld_total") == before + 1500 - 3


def test_each_cause_has_its_own_line(told: Lines) -> None:
    for _ in range(5):
        ours.error("%s", away(1))
        ours.error("%s", Unavailable("Kafka is not connected"))
        ours.error("%s", OSError("Kafka is not connected"))
    assert len(told.lines) == 3


def test_what_tells_something_of_its_own_is_always_told(told: Lines) -> None:
    for offset in range(5):
        ours.error("parked events-0 at %d: %s", offset, "no such column")
    assert len(told.lines) == 5


def test_lines_of_libraries_are_told_apart_by_their_texts_alone(told: Lines) -> None:
    for node in range(5):
        others.error("Unable to connect to node with id %s", node)
        others.warning("Topic %s is not available", "events")
    assert len(told.lines) == 2


def test_causes_without_end_are_not_kept(told: Lines) -> None:
    (outages,) = (one._outages for one in told.filters if isinstance(one, OutageFilter))
    for number in range(2 * MAX_CAUSES):
        ours.error("%s", Unavailable("x" * (number % 250) + "y" * (number // 250)))
    assert len(outages) == MAX_CAUSES
