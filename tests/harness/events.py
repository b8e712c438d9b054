"""Events as a client sends them. A field given as ``ABSENT`` is left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

SINGLE_VALUE: Final = -(2**31)
SCALAR: Final = "training_stats_scalar"
VECTOR: Final = "training_stats_vector"
IMAGE: Final = "training_debug_image"
PLOT: Final = "plot"
LOG: Final = "log"
TYPES: Final = (LOG, PLOT, IMAGE, SCALAR, VECTOR)  # in the order of ties, API contract 3.0.2
ABSENT: Any = object()

Event = dict[str, Any]


def scalar(task: str, iter: Any = 0, value: Any = 1.0, metric: Any = "m", variant: Any = "v", **others: Any) -> Event:
    """A point of a curve."""
    return _event(SCALAR, task, iter=iter, metric=metric, variant=variant, value=value, **others)


def vector(
    task: str, iter: Any = 0, values: Any = (1, 2), metric: Any = "m", variant: Any = "v", **others: Any
) -> Event:
    """A vector."""
    given = list(values) if isinstance(values, tuple) else values
    return _event(VECTOR, task, iter=iter, metric=metric, variant=variant, values=given, **others)


def image(
    task: str, iter: Any = 0, url: Any = "http://f/0.png", metric: Any = "m", variant: Any = "v", **others: Any
) -> Event:
    """A reference to an image."""
    return _event(IMAGE, task, iter=iter, metric=metric, variant=variant, url=url, **others)


def plot(task: str, iter: Any = 0, plot_str: Any = "{}", metric: Any = "m", variant: Any = "v", **others: Any) -> Event:
    """A plot."""
    return _event(PLOT, task, iter=iter, metric=metric, variant=variant, plot_str=plot_str, **others)


def log(task: str, msg: Any = "line", **others: Any) -> Event:
    """A console line."""
    return _event(LOG, task, **{"level": "info", "msg": msg} | others)


def one_of_each(task: str, **others: Any) -> list[Event]:
    """An event of every type, with the same names and iteration."""
    names = {"metric": "m", "variant": "v", "iter": 0}
    made = [log(task, **names), plot(task), image(task), scalar(task), vector(task)]
    return [event | others for event in made]


def model_events(events: Iterable[Event]) -> list[Event]:
    """The same, of a model."""
    return [event | {"model_event": True} for event in events]


def column(events: Iterable[Event], *names: str) -> list[Any]:
    """One field of each event, or several as a tuple."""
    if len(names) == 1:
        return [event[names[0]] for event in events]
    return [tuple(event[name] for name in names) for event in events]


def _event(event_type: str, task: str, **fields: Any) -> Event:
    given = {"type": event_type, "task": task} | fields
    return {name: value for name, value in given.items() if value is not ABSENT}
