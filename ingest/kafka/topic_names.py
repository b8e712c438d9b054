"""The names of the topics beside the events topic."""

from __future__ import annotations


def applied_topic(events_topic: str) -> str:
    """How far workers have written."""
    return f"{events_topic}.applied"


def dlq_topic(events_topic: str) -> str:
    """Records that can never be written."""
    return f"{events_topic}.dlq"
