"""``ingest/client/eventide_client/backoff.py``: longer pauses, never shorter than the server asks for."""

from __future__ import annotations

from eventide_client.backoff import FIRST_SECONDS, MAX_SECONDS, Backoff


def test_pauses_double_up_to_a_minute() -> None:
    backoff = Backoff()
    pauses = [backoff.pause(None) for _ in range(20)]
    assert FIRST_SECONDS / 2 <= pauses[0] <= FIRST_SECONDS
    assert all(MAX_SECONDS / 2 <= pause <= MAX_SECONDS for pause in pauses[8:])
    assert backoff.pause(600.0) == 600.0
    backoff.reset()
    assert backoff.pause(0.0) <= FIRST_SECONDS
