"""Data sets and models that a run of MLflow names again and again."""

from __future__ import annotations

from typing import Any

from ingest.adapters.mlflow.runs import distinct


class Counted(dict[str, Any]):
    """An item that counts how often it is compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return super().__eq__(other)

    __hash__ = None


def test_each_item_stays_once_in_the_order_of_the_first() -> None:
    one, other = {"dataset": {"name": "iris", "digest": "d"}}, {"dataset": {"name": "iris", "digest": "e"}}
    assert distinct([one, other, {"dataset": {"digest": "d", "name": "iris"}}, other]) == [one, other]


def test_thousands_of_items_are_not_compared_with_each_other() -> None:
    items = [Counted(name=str(number)) for number in range(2000)]
    assert len(distinct(items)) == 2000
    assert Counted.comparisons < 2 * len(items)
