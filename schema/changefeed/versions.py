"""Version counters of entities: a value that was read under a version holds as long as the version is the same."""

from __future__ import annotations

from collections.abc import Iterable

MAX_VERSIONS = 500_000  # counters; beyond, all start anew above the highest, so that no version comes twice
ANY_TYPE = "*"  # counts every write of an entity
UNKNOWN_TYPES = ""  # counts the writes that may concern events of any type


class EntityVersions:
    """Counters of writes, for each entity as a whole and by event type."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._floor = 0

    def get(self, entity_id: str, event_type: str = ANY_TYPE) -> int:
        """Return the version of an entity, or of its events of one type."""
        kinds = (ANY_TYPE,) if event_type == ANY_TYPE else (UNKNOWN_TYPES, event_type)
        return sum(self._counts.get((entity_id, kind), self._floor) for kind in kinds)

    def increment(self, entity_id: str, event_types: Iterable[str] | None) -> None:
        """Count a write of events of these types; None: of types that are not known."""
        if len(self._counts) > MAX_VERSIONS:
            self._floor = max(self._counts.values()) + 1
            self._counts.clear()
        for kind in (ANY_TYPE, *((UNKNOWN_TYPES,) if event_types is None else event_types)):
            self._counts[entity_id, kind] = self._counts.get((entity_id, kind), self._floor) + 1
