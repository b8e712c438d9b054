"""One task or model in a folder of its own: a table for each kind of event, its files, and last its document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from deploy.exporting.report import Report
from deploy.exporting.server_files import ServerFiles, sources_of, urls_in
from deploy.exporting.table_files import Format, write_table_file
from eventide_client.api import Api, Unavailable
from schema.events.tables import DEBUG_IMAGE, LOG, PLOT, SCALAR, VECTOR

TABLES = {SCALAR: "scalars", VECTOR: "vectors", DEBUG_IMAGE: "debug_images", PLOT: "plots", LOG: "logs"}
COUNTED = {SCALAR: "points", VECTOR: "vectors", DEBUG_IMAGE: "images", PLOT: "plots", LOG: "logs"}
Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """Tasks or models: the name of one, and of their service."""

    name: str
    service: str
    event_types: tuple[str, ...]


TASK = Kind("task", "tasks", (SCALAR, VECTOR, DEBUG_IMAGE, PLOT, LOG))
MODEL = Kind("model", "models", (SCALAR, VECTOR, DEBUG_IMAGE, PLOT))


class EntityExport:
    """The export of tasks and models by one thread. ``count``: is told of points as they come."""

    def __init__(
        self, api: Api, files: ServerFiles, out: Path, file_format: Format, count: Callable[[int], None]
    ) -> None:
        self._api = api
        self._files = files
        self._out = out
        self._format = file_format
        self._count = count

    def export(self, kind: Kind, entity_id: str) -> Report:
        """Export one, unless what is there from an earlier export is of the same change.

        Raises Unavailable, Refused and OSError; what is there then is no whole export, as the document is missing.
        """
        document = self._document(kind, entity_id)
        folder = self._out / kind.service / entity_id
        marker, report = folder / f"{kind.name}.json", Report()
        if marker.exists() and json.loads(marker.read_bytes()).get("last_change") == document.get("last_change"):
            report.counts["unchanged"] += 1
            return report
        folder.mkdir(parents=True, exist_ok=True)
        marker.unlink(missing_ok=True)
        urls = dict.fromkeys(urls_in(document))
        for event_type in (SCALAR,) if self._format == "tensorboard" else kind.event_types:
            report.counts[COUNTED[event_type]] += self._table(kind, entity_id, event_type, folder, urls)
        if self._format != "tensorboard":
            report.add(self._files.download(urls))
        write_whole(marker, document)
        report.counts[kind.service] += 1
        return report

    def _document(self, kind: Kind, entity_id: str) -> Document:
        found = self._api.call(f"{kind.service}.get_by_id", **{kind.name: entity_id})
        return cast(Document, found[kind.name])

    def _table(self, kind: Kind, entity_id: str, event_type: str, folder: Path, urls: dict[str, None]) -> int:
        """Write the events of a type; add the addresses that they name to ``urls``."""
        response = self._opened(kind, entity_id, event_type)
        try:
            stream = pa.ipc.open_stream(response)
            batches = _noting_urls(event_type, stream, urls)
            rows = write_table_file(folder / TABLES[event_type], self._format, stream.schema, batches, self._count)
            response.read()  # the end of the answer: without it there might have been more
        except (HTTPException, ConnectionError, TimeoutError, pa.ArrowInvalid) as error:
            raise Unavailable(f"{kind.name} {entity_id}: its {TABLES[event_type]} ended early: {error}") from error
        finally:
            if not response.isclosed():
                self._api.close()
        return rows

    def _opened(self, kind: Kind, entity_id: str, event_type: str) -> HTTPResponse:
        asked = {"task": entity_id, "format": "arrow"}
        if event_type == LOG:
            return self._api.stream("events.download_task_log", **asked)
        return self._api.stream("events.get_task_events", **asked, event_type=event_type, model_events=kind is MODEL)


def write_whole(place: Path, document: object) -> None:
    """Write JSON to a file that is there whole or not at all."""
    part = place.with_name(place.name + ".part")
    part.write_text(json.dumps(document, indent=1))
    part.replace(place)


def _noting_urls(event_type: str, batches: Iterator[pa.RecordBatch], urls: dict[str, None]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if event_type == DEBUG_IMAGE:
            urls.update(dict.fromkeys(url for url in batch.column("url").to_pylist() if url))
        elif event_type == PLOT:
            urls.update(dict.fromkeys(sources_of(batch.column("plot_str").to_pylist())))
        yield batch
