"""``schema/adapters/exact_values.py``: a number comes back from its text."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from schema.adapters.exact_values import exact_text


@given(st.floats())
def test_a_float_comes_back(value: float) -> None:
    read = float(exact_text(value))
    assert read == value or (math.isnan(read) and math.isnan(value))


@given(st.integers())
def test_an_integer_comes_back(value: int) -> None:
    assert int(exact_text(value)) == value
