"""Work is interrupted while it runs, and neither before nor after something else on the same connection."""

from __future__ import annotations

import pytest

from schema.errors import ClientGone
from schema.fairness.interruption import Interruption


def test_what_runs_is_interrupted() -> None:
    interruption, calls = Interruption(), list[str]()
    with interruption.by(lambda: calls.append("interrupted")):
        interruption.abandon()
    assert calls == ["interrupted"]


def test_what_has_ended_is_not_interrupted() -> None:
    interruption, calls = Interruption(), list[str]()
    with interruption.by(lambda: calls.append("interrupted")):
        pass
    interruption.abandon()
    assert not calls


def test_what_is_abandoned_does_not_begin() -> None:
    interruption = Interruption()
    interruption.abandon()
    with pytest.raises(ClientGone), interruption.by(lambda: None):
        pytest.fail("it has begun")


def test_a_failed_interruption_raises_nothing() -> None:
    interruption = Interruption()
    with interruption.by(lambda: 1 // 0):
        interruption.abandon()
    interruption.abandon()
