"""What commands print for people: tables of columns that are as wide as their widest value, and lines of digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.runs.reader import SHORT_ID_CHARACTERS

MAX_WIDTH = 40  # characters of a value in a table
DIGITS = 4


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return lines, columns separated by two spaces."""
    cells = [list(header), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(header))]
    return "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def cell(value: Any) -> str:
    """Return a value as a table has it: on one line, shortened, numbers with four digits."""
    if isinstance(value, Mapping):
        text = " ".join(f"{name} {cell(one)}" for name, one in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(str, value))
    elif isinstance(value, float):
        text = number(value)
    else:
        text = "-" if value is None else " ".join(str(value).split())
    return text if len(text) <= MAX_WIDTH else text[: MAX_WIDTH - 1] + "…"


def number(value: float, digits: int = DIGITS) -> str:
    """Return a number as short as so many significant digits allow."""
    return f"{value:.{digits}g}"


def digest_line(found: Mapping[str, Any], digits: int = DIGITS) -> str:
    """Return a digest in one line: the last value, the extremes with their steps, and the findings."""
    told = ", ".join(found["findings"])
    if "last" not in found:
        return told
    ends = [f"{number(found[name]['value'], digits)}@{found[name]['step']}" for name in ("last", "min", "max")]
    return f"last {ends[0]} min {ends[1]} max {ends[2]}" + (f": {told}" if told else "")


def short_id(task: str) -> str:
    """Return the end of an id, by which commands and agents may name a task."""
    return task[-SHORT_ID_CHARACTERS:]


def run_text(run: Mapping[str, Any]) -> str:
    """Return all that is known of a run as lines."""
    fields = {name: value for name, value in run.items() if not isinstance(value, Mapping)}
    parts = [table(("field", "value"), fields.items())]
    for name in ("refused_events", "hyperparams", "values"):
        if run.get(name):
            parts.append(table((name, "value"), run[name].items()))
    if run["curves"]:
        parts.append(_columns({name: digest_line(found) for name, found in run["curves"].items() if found}))
    return "\n\n".join(parts)


def _columns(lines: Mapping[str, str]) -> str:
    width = max(map(len, lines), default=0)
    return "\n".join(f"{name.ljust(width)}  {line}" for name, line in lines.items())


def comparison_text(compared: Mapping[str, Any]) -> str:
    """Return the runs side by side, a column each."""
    runs = compared["runs"]
    names = [run["name"] for run in runs]
    rows = [("id", *(run["id"] for run in runs)), ("status", *(run["status"] for run in runs))]
    rows += [(name, *row) for part in ("hyperparams", "values") for name, row in compared[part].items()]
    return table(("", *(cell(name) for name in names)), rows)
