"""``ingest/client/eventide_client/scalars.py``: numbers of any kind are Python's, anything else is told."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from eventide_client.scalars import plain


def test_numbers_of_any_kind() -> None:
    given = {"a": True, "b": np.float32(0.5), "c": np.array([2]), "d": Decimal("1.5"), "e": 3, "f": np.int64(2**60 + 1)}
    found = plain(given)
    assert found == {"a": 1, "b": 0.5, "c": 2.0, "d": 1.5, "e": 3, "f": 2**60 + 1}
    assert {type(value) for value in found.values()} == {int, float}


@pytest.mark.parametrize("value", ["x", None, [1, 2], np.zeros(2)])
def test_what_is_no_number_is_told_with_its_key(value: object) -> None:
    with pytest.raises((TypeError, ValueError), match="loss/train: a number is expected"):
        plain({"loss/train": value})
