"""The events topic as the registry says it is."""

from __future__ import annotations

import pytest

from ingest.kafka.topic_lease import Topic


@pytest.mark.parametrize("partitions", [-12, -1, 0])
def test_a_topic_that_is_being_changed_is_closed(partitions: int) -> None:
    assert Topic("events", 1, partitions).is_closed


def test_a_topic_with_partitions_is_open() -> None:
    assert not Topic("events", 1, 12).is_closed
