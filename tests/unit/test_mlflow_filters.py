"""``query/adapters/mlflow/filters.py``: MLflow's language of searches."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.adapters.mlflow.filters import MANY, Fields, Selection, is_like, parse_filter, parse_order
from schema.errors import InvalidField

RUN: Fields = {
    "metrics": {"acc": 0.5, "a b": 1.0, "nan": float("nan")},
    "params": {"lr": "0.1", "model/depth": "3"},
    "tags": {"mlflow.runName": "first", "team": "Vision"},
    "attributes": {"run_name": "first", "start_time": 100, "status": "FINISHED", "run_id": "x"},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("metrics.acc >= 0.5 and metric.acc<1e3 AND params.lr = '0.1'", True),
        ('metrics."a b" = 1 and metrics.`a b` != 2', True),
        ("params.`model/depth` = \"3\" and parameter.model/depth != '4'", True),
        ("tags.mlflow.runName = 'first'", True),
        ("tags.team LIKE '%sion'", True),
        ("tags.team LIKE 'v%'", False),
        ("tags.team ilike 'V_S%N'", True),
        ("attributes.start_time > -1 AND attribute.status = 'FINISHED'", True),
        ("status = 'FAILED'", False),
        ("run_name IN ('first', 'second')", True),
        ("attr.run_name not in ('first')", False),
        ("`run name` = 'first'", True),
        ("tags.team IS NOT NULL AND tags.nothing IS NULL", True),
        ("params.nothing != 'x'", False),
        ("metrics.nan < 1", False),
    ],
)
def test_a_filter(text: str, holds: bool) -> None:
    assert all(clause.holds(RUN) for clause in parse_filter(text)) == holds


@pytest.mark.parametrize(
    "text",
    [
        "metrics.acc",
        "metrics.acc >",
        "metrics.acc > 'x'",
        "metrics.acc LIKE '1'",
        "params.lr > '0.1'",
        "params.lr = 0.1",
        "unknown.lr = '0.1'",
        "params.lr = '0.1' OR params.lr = '0.2'",
        "params.lr = '0.1' AND",
        "params.lr = '0.1",
        "params.lr IN '0.1'",
        "params.lr IN ('0.1'",
        "params.lr IS '0.1'",
        "(params.lr = '0.1')",
        "metrics. = 1",
        "x" * 10_001,
        " AND ".join(["status = 'a'"] * 101),
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        parse_filter(text)


ORDERS = ["start_time", "params.`a b` asc"]


def test_orders() -> None:
    runs: list[Fields] = [{"metrics": {"m": value}} if value is not None else {} for value in (2.0, None, 3.0, 1.0)]
    (order,) = parse_order(["metrics.m DESC"])
    order.sort(runs, lambda run: run)
    assert [run.get("metrics", {}).get("m") for run in runs] == [3.0, 2.0, 1.0, None]
    found = [(one.field.kind, one.field.name, one.is_descending) for one in parse_order(ORDERS)]
    assert found == [("attributes", "start_time", False), ("params", "a b", False)]
    for wrong in ("", "DESC", "metrics.a b c", "a DESC DESC DESC"):
        with pytest.raises(InvalidField):
            parse_order([wrong])


@given(st.text("ab%_", max_size=8), st.text("ab\n", max_size=8))
def test_patterns_are_those_of_sql(pattern: str, text: str) -> None:
    expected = translate(pattern.replace("%", "*").replace("_", "?"))
    assert is_like(text, pattern) == bool(re.match(expected, text))


def test_a_pattern_takes_no_time() -> None:
    started = time.monotonic()
    assert not is_like("a" * 5000, "%a" * 2000 + "b")
    assert time.monotonic() - started < 1


def test_many_runs_are_compared_beside_the_event_loop_and_each_once() -> None:
    threads: list[threading.Thread] = []

    def fields_of(number: int) -> Fields:
        threads.append(threading.current_thread())
        return {"metrics": {"acc": float(number % 7)}, "attributes": {"run_id": f"{number:03}"}}

    wanted = parse_filter("metrics.acc > 2 AND metrics.acc < 5 AND run_id != '004'")
    selection = Selection(wanted, parse_order(["metrics.acc DESC", "run_id DESC"]), fields_of)
    found = asyncio.run(selection.selected(range(MANY)))
    fours, threes = ([number for number in range(MANY) if number % 7 == rest and number != 4] for rest in (4, 3))
    assert found == [*reversed(fours), *reversed(threes)]
    assert len(threads) == MANY
    assert threading.main_thread() not in threads
    places = asyncio.run(selection.matching(range(10)))
    assert places == [None, None, None, 3, None, None, None, None, None, None]
