"""``schema/adapters/metric_keys.py``: keys of other SDKs become names of metrics, and those keys again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.adapters.metric_keys import key_of, metric_and_variant


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("loss", ("loss", "loss")),
        ("a/b/c", ("a", "b/c")),
        ("a/", ("a/", "a/")),
        ("/a", ("/a", "/a")),
        ("", ("", "")),
        ("system/gpu_0_power_usage_watts", (":monitor:gpu", "gpu_0_power_usage_watts")),
        ("system/disk_usage_percentage", (":monitor:machine", "disk_usage_percentage")),
        ("system/", ("system/", "system/")),
    ],
)
def test_a_key_names_metric_and_variant(key: str, names: tuple[str, str]) -> None:
    assert metric_and_variant(key) == names
    assert key_of(*names) == key


@given(st.text("ab/:", max_size=8))
def test_a_key_comes_back_but_for_one_that_repeats_itself(key: str) -> None:
    """``a/a`` is the curve of ``a``."""
    metric, variant = metric_and_variant(key)
    assert key_of(metric, variant) == (metric if key == f"{metric}/{metric}" else key)
