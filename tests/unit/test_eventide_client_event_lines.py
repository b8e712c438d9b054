"""``ingest/client/eventide_client/event_lines.py``: lines that the server reads as what was logged."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventide_client.event_lines import EventLines, metric_and_variant

TASK = "a" * 32


def read(lines: bytes) -> list[dict[str, object]]:
    assert lines.endswith(b"\n")
    return [json.loads(line) for line in lines.decode().splitlines()]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("loss", ("loss", "loss")),
        ("loss/train", ("loss", "train")),
        ("a/b/c", ("a", "b/c")),
        ("/a", ("/a", "/a")),
        ("a/", ("a/", "a/")),
        ("half \ud800", ("half \ufffd", "half \ufffd")),
    ],
)
def test_names_of_keys(key: str, names: tuple[str, str]) -> None:
    assert metric_and_variant(key) == names


@given(
    st.dictionaries(st.text(min_size=1), st.floats() | st.integers(-(10**400), 10**400), min_size=1),
    st.integers(-(2**31), 2**60),
)
def test_scalars_are_read_as_they_were(values: dict[str, float], step: int) -> None:
    encoder = EventLines(TASK)
    first, again = encoder.scalars(values, step, 0.0175), encoder.scalars(values, step, 0.0175)
    assert read(first) == read(again)
    for (key, value), event in zip(values.items(), read(first), strict=True):
        names = (event.pop("metric"), event.pop("variant"))
        assert names == metric_and_variant(key)
        told = event.pop("value") if "value" in event else float(str(event.pop("nonfinite")))
        same = {"type": "training_stats_scalar", "task": TASK, "iter": step, "timestamp": 17}
        assert event == same
        assert told == value or (abs(value) >= 1e308 and math.isinf(float(str(told)))) or math.isnan(value)


def test_numbers_of_other_kinds_are_no_json_of_their_own() -> None:
    (flag, part) = read(EventLines(TASK).scalars({"flag": True, "part": Fraction(1, 4)}, 1, 0.0))  # type: ignore[dict-item]
    assert (flag["value"], part["value"]) == (1, 0.25)


def test_other_events() -> None:
    encoder = EventLines(TASK)
    (line,) = read(encoder.log("a\nb", "info", 3))
    assert line == {"task": TASK, "type": "log", "level": "info", "msg": "a\nb", "timestamp": 3}
    (single,) = read(encoder.summary({"best/of": 0.5}, 3))
    assert (single["metric"], single["variant"], single["iter"]) == ("Summary", "best/of", -(2**31))
