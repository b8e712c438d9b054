"""Ids in the text of an error: a few of them, however many were sent and however long they are."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

MAX_TOLD, MAX_CHARACTERS = 10, 100


def told_ids(ids: Collection[str]) -> str:
    """Return the first ids, cut where they are longer than ids are, and how many there are besides."""
    told = [told_id(one) for one in islice(ids, MAX_TOLD)]
    return ", ".join(told) + (f" and {len(ids) - MAX_TOLD} more" if len(ids) > MAX_TOLD else "")


def told_id(one: str) -> str:
    """Return an id, cut if it is longer than ids are."""
    return one if len(one) <= MAX_CHARACTERS else f"{one[:MAX_CHARACTERS]}…"
