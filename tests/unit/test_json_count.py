"""Values of a JSON text are counted as a parser would, however the text is cut into pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.api import json_count
from schema.api.json_count import has_more_values

TEXTS = st.text(st.sampled_from('\\",[{}x\n'), max_size=8)
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def count_of(value: Any) -> int:
    """One, and one for each comma, list and object."""
    if not isinstance(value, list | dict):
        return 0
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(0, len(inner) - 1) + sum(map(count_of, inner))


@given(VALUES, st.integers(1, 12))
def test_strings_are_passed_over(value: Any, piece_bytes: int) -> None:
    text, count = json.dumps(value).encode(), 1 + count_of(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_count, "PIECE_BYTES", piece_bytes)
        assert has_more_values(text, count - 1) or len(text) <= count - 1
        assert not has_more_values(text, count)
