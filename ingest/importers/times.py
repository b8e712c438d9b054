"""Times as other trackers write them -> milliseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime


def milliseconds(text: str | None) -> int:
    """Return the ms of an ISO time; without a zone it is UTC. 0 if it is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return 0
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
