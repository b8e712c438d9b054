"""``query/logs/text_search.py``: what of a text is looked up in the index of log lines."""

from __future__ import annotations

import pytest

from query.logs.text_search import indexed_sql


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("loss", "%loss%"),
        ("Loss 0.5", "%loss 0.5%"),
        ("OK: Gradient", "%ok: gradient%"),
        ("300 \u212aelvin", "%elvin%"),
        ("Übersicht der Läufe", "%bersicht der l%"),
        ("50% of_it\\", "%50\\% of\\_it\\\\%"),
        ("a\tline\nof", "%line%"),
    ],
)
def test_the_longest_part_that_is_the_same_in_lower_case(text: str, pattern: str) -> None:
    condition, parameters = indexed_sql(text)
    assert ("LIKE {indexed:String}" in condition, parameters) == (True, {"indexed": pattern})


@pytest.mark.parametrize("text", ["", "a", "abc", "Überß", "\u212a\u212a\u212a\u212a"])
def test_too_short_a_part_is_not_looked_up(text: str) -> None:
    assert indexed_sql(text) == ("1", {})
