"""The state machine of tasks: which status may follow which."""

from __future__ import annotations

from schema.errors import TaskStateConflict
from schema.registry import Document

CREATED, QUEUED, IN_PROGRESS, STOPPED = "created", "queued", "in_progress", "stopped"
CLOSED, FAILED, COMPLETED, PUBLISHING, PUBLISHED = "closed", "failed", "completed", "publishing", "published"

MAY_BECOME: dict[str, frozenset[str]] = {
    CREATED: frozenset((QUEUED, IN_PROGRESS)),
    QUEUED: frozenset((CREATED, IN_PROGRESS)),
    IN_PROGRESS: frozenset((STOPPED, FAILED, CREATED, COMPLETED)),
    STOPPED: frozenset((CLOSED, CREATED, FAILED, QUEUED, IN_PROGRESS, PUBLISHED, PUBLISHING, COMPLETED)),
    CLOSED: frozenset((CREATED, FAILED, PUBLISHED, PUBLISHING, STOPPED)),
    FAILED: frozenset((CREATED, STOPPED, PUBLISHED)),
    COMPLETED: frozenset((PUBLISHED, IN_PROGRESS, CREATED)),
    PUBLISHING: frozenset((PUBLISHED,)),
    PUBLISHED: frozenset(),
}


def check_transition(task: Document, status: str, force: bool) -> None:
    """Raise TaskStateConflict unless the task may become, or stay, ``status``; forced, it always may."""
    current = task["status"]
    if not force and status != current and status not in MAY_BECOME.get(current, frozenset()):
        raise TaskStateConflict(f"Task {task['id']} is {current} and cannot become {status}")


def check_editable(task: Document, force: bool) -> None:
    """Raise TaskStateConflict once the task has started, or, forced, has ended."""
    allowed = (CREATED, IN_PROGRESS) if force else (CREATED,)
    if task["status"] not in allowed:
        raise TaskStateConflict(f"Invalid task status: expected={CREATED}, status={task['status']}")
