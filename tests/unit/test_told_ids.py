"""Errors name a few ids, and are short whatever was sent."""

from __future__ import annotations

from schema.api.told_ids import told_ids


def test_a_few_ids_are_told_whole() -> None:
    assert told_ids(["a" * 32, "b"]) == f"{'a' * 32}, b"
    assert told_ids({}) == ""


def test_of_many_ids_the_first_are_told() -> None:
    told = told_ids([str(number) for number in range(10_000)])
    assert told == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 9990 more"


def test_long_ids_are_cut() -> None:
    assert told_ids(["x" * 1_000_000]) == "x" * 100 + "…"
