"""What W&B logs as files beside a run: pictures, sounds, tables, plots; and histograms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ingest.importers import figures
from ingest.importers.logged_values import Place
from ingest.importers.records import Image, Part, Plot, Skipped
from schema.adapters.metric_keys import names_of_path

FILES = frozenset(f"{name}-file" for name in ("image", "audio", "video", "html", "object3D", "molecule", "markdown"))
MAX_TABLE_BYTES = 64 << 20


def media_parts(folder: Path, value: Mapping[str, Any], place: Place) -> Iterator[Part]:
    """Yield what a value with a ``_type`` stands for. ``folder``: of the run's files."""
    kind = str(value["_type"])
    names = names_of_path(place.key)
    if kind in FILES and value.get("path"):
        path = folder / str(value["path"])
        yield Image(*names, place.step, place.time, path.name, path)
    elif kind.endswith("/separated") and value.get("filenames"):
        for number, name in enumerate(value["filenames"]):
            path = folder / str(name)
            yield Image(*names, place.step, place.time, path.name, path, str(number))
    elif kind == "histogram":
        yield Plot(
            *names, place.step, place.time, figures.histogram(place.key, _bins(value), value.get("values") or [])
        )
    elif kind in ("table-file", "plotly-file") and value.get("path"):
        yield from _document(folder / str(value["path"]), kind, place)
    else:
        yield Skipped(f"{kind} value")


def _bins(value: Mapping[str, Any]) -> list[float]:
    """Return the edges of a histogram, which equal bins have packed: least, width and count of bins."""
    if packed := value.get("packedBins"):
        return list(np.arange(int(packed["count"]) + 1) * float(packed["size"]) + float(packed["min"]))
    return value.get("bins") or []


def _document(path: Path, kind: str, place: Place) -> Iterator[Part]:
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            yield Skipped("table of more than 64 MiB", message=f"{path}: larger than 64 MiB")
            return
        document = json.loads(path.read_text())
        figure = document if kind == "plotly-file" else figures.table(place.key, document["columns"], document["data"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Skipped("file that cannot be read", message=f"{path}: {error!r}")
    else:
        yield Plot(*names_of_path(place.key), place.step, place.time, figure)
