"""The names of the topics beside the events topic."""

from __future__ import annotations


def applied_topic(events_topic: str) -> str:
    """Return the name of the topic of applied offsets."""
    return f"{events_topic}.applied"


def dlq_topic(events_topic: str) -> str:
    """Return the name of the dead-letter topic."""
    return f"{events_topic}.dlq"
