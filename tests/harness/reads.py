"""Every read of an entity's events: what it asks for, for tests of a rule that holds for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.harness.api import LATEST

Body = dict[str, Any]
AT = {"metric": "m", "variant": "v"}


@dataclass(frozen=True)
class Read:
    """A call that reads one entity. ``is_for_models``: it knows ``model_events``."""

    action: str
    body: Callable[[str], Body]
    version: str = LATEST
    is_for_models: bool = True

    def __str__(self) -> str:
        return self.action.removeprefix("events.") + ("" if self.version == LATEST else f"@{self.version}")


def _task(**more: Any) -> Callable[[str], Body]:
    return lambda entity: {"task": entity} | more


def _tasks(**more: Any) -> Callable[[str], Body]:
    return lambda entity: {"tasks": [entity]} | more


def _metrics(entity: str) -> Body:
    return {"metrics": [{"task": entity}]}


READS = [
    Read("events.debug_images", _task(), "1.0", False),
    Read("events.debug_images", _task(), "1.8"),
    Read("events.debug_images", _metrics),
    Read("events.plots", _metrics),
    Read("events.get_debug_image_sample", _task(**AT)),
    Read("events.get_plot_sample", _task(metric="m")),
    Read("events.get_task_metrics", _tasks(event_type="*")),
    Read("events.get_multi_task_metrics", _tasks()),
    Read("events.get_task_log", _task(), "1.0", False),
    Read("events.get_task_log", _task(), "1.7", False),
    Read("events.get_task_log", _task(), is_for_models=False),
    Read("events.get_task_events", _task()),
    Read("events.download_task_log", _task(), is_for_models=False),
    Read("events.get_task_plots", _task(), "1.0", False),
    Read("events.get_task_plots", _task()),
    Read("events.get_multi_task_plots", _tasks(), "1.0", False),
    Read("events.get_multi_task_plots", _tasks()),
    Read("events.get_vector_metrics_and_variants", _task()),
    Read("events.get_scalar_metrics_and_variants", _task()),
    Read("events.vector_metrics_iter_histogram", _task(**AT)),
    Read("events.scalar_metrics_iter_histogram", _task()),
    Read("events.multi_task_scalar_metrics_iter_histogram", _tasks()),
    Read("events.get_task_single_value_metrics", _tasks()),
    Read("events.get_task_latest_scalar_values", _task(), is_for_models=False),
    Read("events.get_scalar_metric_data", _task(metric="m")),
    Read("events.scalar_metrics_iter_raw", _task(metric={"metric": "m"})),
]
MODEL_READS = [read for read in READS if read.is_for_models]
