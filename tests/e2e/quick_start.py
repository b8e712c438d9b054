"""What the quick starts of trackio and W&B log alike, and where ClearML's API has it."""

from __future__ import annotations

from collections.abc import Iterable

from tests.harness.api import Data

COUNTS = {
    ("training_stats_scalar", "train", "loss"): 100,
    ("training_stats_scalar", "accuracy", "accuracy"): 101,
    ("training_stats_scalar", "undefined", "undefined"): 1,
    ("training_stats_scalar", "nested", "a"): 1,
    ("training_debug_image", "picture", "picture"): 1,
    ("plot", "weights", "weights"): 1,
    ("plot", "note", "note"): 1,
}
Curves = dict[tuple[str, int], float | None]


def curves_of(events: Iterable[Data]) -> Curves:
    """The values of scalars, by metric and iteration; None of one that is no finite number."""
    return {(e["metric"], e["iter"]): e.get("value") for e in events if e["type"] == "training_stats_scalar"}


def check_curves(curves: Curves) -> None:
    """Compare the curves with what the scripts logged, before and after they resumed."""
    assert [curves["train", step] for step in range(100)] == [1 / (step + 1) for step in range(100)]
    assert curves["accuracy", 104] == 1.0  # the run that was resumed goes on behind its last step
