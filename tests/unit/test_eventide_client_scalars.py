"""``ingest/client/eventide_client/scalars.py``: numbers of any kind are Python's, anything else is told."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from eventide_client.scalars import are_constant, plain


def test_numbers_of_any_kind() -> None:
    given = {"a": True, "b": np.float32(0.5), "c": np.array([2]), "d": Decimal("1.5"), "e": 3, "f": np.int64(2**60 + 1)}
    found = plain(given)
    assert found == {"a": 1, "b": 0.5, "c": 2.0, "d": 1.5, "e": 3, "f": 2**60 + 1}
    assert {type(value) for value in found.values()} == {int, float}


class Tensor:
    """A number that may change, and adds up as those of torch do."""

    def __radd__(self, other: object) -> Tensor:
        return self


@pytest.mark.parametrize(
    ("values", "constant"),
    [
        ([1.0, 2, True], True),
        ([float("nan"), 10**400], False),
        ([1.0, Tensor(), 2.0], False),
        ([1.0, np.zeros(1)], False),
        ([1.0, "x"], False),
        ([], True),
    ],
)
def test_values_that_may_change_are_told_from_others(values: list[object], constant: bool) -> None:
    assert are_constant(dict(enumerate(values))) == constant  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["x", None, [1, 2], np.zeros(2)])
def test_what_is_no_number_is_told_with_its_key(value: object) -> None:
    with pytest.raises((TypeError, ValueError), match="loss/train: a number is expected"):
        plain({"loss/train": value})
