"""What paged answers share: sizes (specification section 3.0.6) and the snapshot scroll, kind A (section 3.0.5)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from pydantic import Field

from query.cursor import END, Cursors
from schema.registry import Entity
from schema.requests import Integer
from schema.wire import Caller

MAX_PAGE = 10_000
MAX_TIES = 10_000
MAX_UNSCROLLED_TOTAL = 10_000  # what an answer without scroll says at most (section 3.0.4)
PageSize = Annotated[Integer, Field(ge=0, le=MAX_PAGE)]


@dataclass(frozen=True)
class Snapshot:
    """A kind-A scroll: everything written up to ``newest`` (seq), read up to ``position``.

    Events that are overwritten or deleted meanwhile vanish from it; later ones never appear. ``position`` is the sort
    key of the last event delivered, empty at the start.
    """

    newest: int
    total: int
    size: int
    position: tuple[int, ...] = ()

    @classmethod
    def resume(cls, cursors: Cursors, scroll_id: str, endpoint: str, caller: Caller, entity: Entity) -> Snapshot:
        """The snapshot of a scroll id. Raises InvalidScroll."""
        state = cursors.read(scroll_id, endpoint, caller, [entity.id])
        return cls(**state | {"position": tuple(state["position"])})

    def scroll_id(self, cursors: Cursors, endpoint: str, caller: Caller, entity: Entity) -> str:
        """The scroll id that continues after ``position``."""
        return cursors.make(endpoint, caller, [entity.id], asdict(self))


__all__ = ["END", "MAX_PAGE", "MAX_TIES", "MAX_UNSCROLLED_TOTAL", "PageSize", "Snapshot"]
