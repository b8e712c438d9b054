"""Kinds of projects, which system tags tell apart, and the hidden projects that hold those of one kind."""

from __future__ import annotations

from schema.registry.conditions import Condition, Not, OneOf, every

PIPELINE_TAG, DATASET_TAG, REPORTS_TAG, HIDDEN_TAG = "pipeline", "dataset", "reports", "hidden"
REPORTS_PROJECT = ".reports"


def _tagged(tag: str, holder: str) -> Condition:
    return every(OneOf("system_tags", (tag,)), Not(OneOf("basename", (holder,))))


IS_PIPELINE = _tagged(PIPELINE_TAG, ".pipelines")
IS_DATASET = _tagged(DATASET_TAG, ".datasets")
IS_REPORT = OneOf("system_tags", (REPORTS_TAG,))  # of tasks
NOT_ARCHIVED = Not(OneOf("system_tags", ("archived",)))
IS_RUN = OneOf("type", ("controller",))  # of tasks: runs of pipelines
