"""The filter language: what texts mean, and where those that mean nothing go wrong."""

from __future__ import annotations

import pytest

from query.task_table.columns import Column, Source, column_of
from query.task_table.parser import parse
from query.task_table.plan import ColumnTest
from query.task_table.syntax import EVERY_TASK, AllOf, AnyOf, Comparison, Expression, NotSo, Operator, Search
from query.task_table.tokens import FilterError
from query.task_table.values import holding
from schema.errors import InvalidField

LOSS, RATE = ("loss", "val"), ("lr",)


def test_a_filter_of_an_issue_is_read() -> None:
    found = parse('loss.val < 0.3 and lr in (0.1, 0.01) and tag = "baseline"')
    assert found == AllOf(
        (
            Comparison(LOSS, "<", ("0.3",), 0),
            Comparison(RATE, "in", ("0.1", "0.01"), 19),
            Comparison(("tag",), "=", ("baseline",), 41),
        )
    )


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("", EVERY_TASK),
        ("  ", EVERY_TASK),
        ("resnet", Search("resnet", 0)),
        ("vit-b/16", Search(r"vit\-b\/16", 0)),
        ("trained in japan", AllOf((Search("trained", 0), Search("in", 8), Search("japan", 11)))),
        ('"and so"', Search(r"and\ so", 0)),
        ("/^v[12]$/ x", AllOf((Search("^v[12]$", 0), Search("x", 10)))),
        ("a or b c", AnyOf((Search("a", 0), AllOf((Search("b", 5), Search("c", 7)))))),
        ("not a", NotSo(Search("a", 4))),
        ("not (a or b)", NotSo(AnyOf((Search("a", 5), Search("b", 10))))),
        ("lr=0.1", Comparison(RATE, "=", ("0.1",), 0)),
        ("lr == -1e-3", Comparison(RATE, "=", ("-1e-3",), 0)),
        ("lr not in (1,null)", Comparison(RATE, "not in", ("1", None), 0)),
        ("lr != 'null'", Comparison(RATE, "!=", ("null",), 0)),
        ("'a.b'.\"c/d\" >= 1", Comparison(("a.b", "c/d"), ">=", ("1",), 0)),
        ("name ~ /a\\/b/", Comparison(("name",), "~", ("a/b",), 0)),
        (r'name = "a\"b"', Comparison(("name",), "=", ('a"b',), 0)),
    ],
)
def test_texts_are_read(text: str, expression: Expression) -> None:
    assert parse(text) == expression


@pytest.mark.parametrize(
    ("text", "character", "message"),
    [
        ("lr <", 5, "a value is expected"),
        ("lr < and x", 6, "a value is expected"),
        ("a and", 6, "a word, a comparison or a parenthesis is expected"),
        ("or a", 1, "a word, a comparison or a parenthesis is expected"),
        ("(a", 1, "is not closed"),
        ("a)", 2, ") is not expected"),
        ('name = "a', 8, "this quote is not closed"),
        ("lr in (1 2)", 10, ", or ) is expected"),
        ("lr not in 1", 11, "( is expected after not in"),
        ("name ~ (", 8, "a value is expected"),
        ("name ~ /(/", 8, "missing"),
        ("x < = 3", 5, "a value is expected"),
        ("lr in (" + ", ".join("1" * 201) + ")", 7, "at most 200 values"),
        ("a " * 51, 101, "at most 50 terms"),
        ("(" * 30 + "a" + ")" * 30, 22, "at most 20 deep"),
        ("not " * 30 + "a", 85, "at most 20 deep"),
        ("x" * 2001, 2001, "at most 2000 characters"),
    ],
)
def test_errors_name_the_character(text: str, character: int, message: str) -> None:
    with pytest.raises(FilterError, match=r"filter, character \d+: ") as raised:
        parse(text)
    assert f"character {character}: " in str(raised.value), raised.value
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("name", Source.TEXT),
        ("updated", Source.DATE),
        ("user", Source.REFERENCE),
        ("tags", Source.TAGS),
        ("lr", Source.PARAMETER),
        ("param.Args.lr", Source.PARAMETER),
        ("param.name", Source.PARAMETER),
        ("loss.val", Source.STATISTIC),
        ("loss.val.min", Source.STATISTIC),
        ("metric.param.x", Source.STATISTIC),
        ("iteration", Source.STATISTIC),
        ("duration", Source.DURATION),
    ],
)
def test_columns_have_names(name: str, source: Source) -> None:
    assert column_of(name).source is source


def test_a_metric_may_be_named_in_several_ways() -> None:
    assert column_of("loss.val") == column_of("metric.loss.val") == column_of('"loss"."val".last')
    assert column_of("param.*.lr") == column_of("lr")


@pytest.mark.parametrize("name", ["", "a..b", "a.b.c", "a.b.min.max", "x" * 501])
def test_other_names_are_no_columns(name: str) -> None:
    with pytest.raises(InvalidField):
        column_of(name)


RATES = {"a": "0.10", "b": "1e-1", "c": "adam", "d": None, "e": "2"}
LOSSES = {"a": 0.30000001192092896, "b": 0.5, "c": None}


@pytest.mark.parametrize(
    ("column", "operator", "values", "found"),
    [
        ("lr", "=", ("0.1",), "ab"),
        ("lr", "in", ("adam", "2"), "ce"),
        ("lr", "=", (None,), "d"),
        ("lr", "<", ("1",), "ab"),
        ("lr", ">=", ("2.0",), "e"),
        ("lr", "~", ("^AD",), "c"),
        ("loss.val", "=", ("0.3",), "a"),
        ("loss.val", "<=", ("0.5",), "ab"),
        ("loss.val", "in", (None, "0.5"), "bc"),
    ],
)
def test_values_are_compared(column: str, operator: Operator, values: tuple[str | None, ...], found: str) -> None:
    known = LOSSES if column == "loss.val" else RATES
    assert holding(ColumnTest(column_of(column), operator, values), known) == set(found)


def test_durations_have_units() -> None:
    test = ColumnTest(column_of("duration"), "<", ("1.5h",))
    assert holding(test, {"a": 5399, "b": 5400, "c": None}) == {"a"}


def test_what_is_no_number_is_compared_with_no_metric() -> None:
    with pytest.raises(InvalidField, match="abc is no number"):
        holding(ColumnTest(Column(Source.STATISTIC, "x"), "<", ("abc",)), {})
