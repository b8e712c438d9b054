"""Ids of new documents."""

from __future__ import annotations

import re
import time
from functools import partial

import pytest

from ingest.registry.ids import new_id

MOMENT = 1_800_000_000.0  # seconds


def ids_at(monkeypatch: pytest.MonkeyPatch, *moments: float) -> list[str]:
    """Ids made at these moments."""
    ids = []
    for moment in moments:
        monkeypatch.setattr(time, "time", partial(float, moment))
        ids.append(new_id())
    return ids


def test_an_id_is_of_32_hexadecimal_digits_and_of_one_document() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_ids_are_in_order_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ids_at(monkeypatch, *(MOMENT + 16 * step for step in range(100)))
    assert ids == sorted(ids)


def test_ids_of_one_moment_can_be_told_apart_by_their_first_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ids_at(monkeypatch, *[MOMENT] * 100)
    assert len({one[:8] for one in ids}) > 50
