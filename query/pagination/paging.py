"""Sizes of pages (API contract 3.0.6), and the state of scrolls (API contract 3.0.5)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from query.pagination.cursor import END
from schema.api.requests import Integer, Request
from schema.changefeed.log_tail import MAX_COUNTED_LINES
from schema.errors import InvalidScroll

MAX_PAGE = 10_000
MAX_TIES = 10_000
MAX_UNSCROLLED_TOTAL = MAX_COUNTED_LINES
PageSize = Annotated[Integer, Field(ge=0, le=MAX_PAGE)]
RequestType = TypeVar("RequestType", bound=Request)
# Each call gives these anew; the rest of the request that opened a scroll holds until its end.
OF_THIS_CALL = {"task", "tasks", "scroll_id", "no_scroll", "model_events"}


@dataclass(frozen=True)
class Snapshot:
    """A snapshot scroll: everything written up to ``newest`` (seq) of each entity, in the order of ids.

    Events that are overwritten or deleted meanwhile vanish from it; later ones never appear. ``position`` is the sort
    key of the last event delivered; empty at the start, None once all are delivered. ``size``: events a page.
    """

    newest: tuple[int, ...]
    total: int
    size: int
    position: tuple[Any, ...] | None = ()

    @classmethod
    def of(cls, state: dict[str, Any]) -> Snapshot:
        """Return the snapshot of a scroll id's state."""
        position = state["position"]
        return cls(tuple(state["newest"]), state["total"], state["size"], position and tuple(position))

    def state(self) -> dict[str, Any]:
        """Return the state for a scroll id.

        ``own`` makes it unique, so that clearing it does not clear another client's scroll over the same.
        """
        return vars(self) | {"own": secrets.token_urlsafe(6)}


def remember(request: Request) -> dict[str, Any]:
    """Return what a scroll id keeps of the request that opened it."""
    return request.model_dump(exclude_defaults=True, exclude=OF_THIS_CALL)


def resume(request: RequestType, remembered: dict[str, Any]) -> RequestType:
    """Return the request that opened a scroll, for the entities that this call names.

    Raises InvalidScroll.
    """
    try:
        own = request.model_dump(include=OF_THIS_CALL, exclude_defaults=True)
        return type(request).model_validate(own | remembered)
    except ValidationError as error:
        raise InvalidScroll("The scroll id is of another version") from error


__all__ = ["END", "MAX_PAGE", "MAX_TIES", "MAX_UNSCROLLED_TOTAL", "PageSize", "Snapshot", "remember", "resume"]
