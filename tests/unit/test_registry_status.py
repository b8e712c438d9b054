"""The status machine of tasks."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ingest.registry.status import MAY_BECOME, check_editable, check_transition
from schema.errors import TaskStateConflict

STATUSES = sorted(MAY_BECOME)
# What ClearML's users do with tasks, each step in a status that the one before left.
LIVES = [
    "created in_progress completed published",
    "created in_progress stopped in_progress completed created",
    "created in_progress failed stopped in_progress",
    "created queued in_progress created",
    "created in_progress stopped closed published",
    "created in_progress completed in_progress stopped completed",
    "created in_progress failed created",
    "created in_progress stopped publishing published",
]
FORBIDDEN = ["created completed", "created published", "failed in_progress", "completed failed", "published created"]


@pytest.mark.parametrize("life", LIVES)
def test_what_may_follow_what(life: str) -> None:
    statuses = life.split()
    for before, after in pairwise(statuses):
        check_transition({"id": "t", "status": before}, after, force=False)


@pytest.mark.parametrize("step", FORBIDDEN)
def test_what_may_not(step: str) -> None:
    before, after = step.split()
    with pytest.raises(TaskStateConflict):
        check_transition({"id": "t", "status": before}, after, force=False)
    check_transition({"id": "t", "status": before}, after, force=True)


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_may_be_set_again(status: str) -> None:
    check_transition({"id": "t", "status": status}, status, force=False)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("force", [False, True])
def test_parts_may_change_until_a_task_starts_or_forced_until_it_ends(status: str, force: bool) -> None:
    if status == "created" or (force and status == "in_progress"):
        check_editable({"status": status}, force)
    else:
        with pytest.raises(TaskStateConflict):
            check_editable({"status": status}, force)
