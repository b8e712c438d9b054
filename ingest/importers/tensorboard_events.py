"""Events of TensorBoard, one at a time, by the field numbers of TensorFlow's event.proto and summary.proto.

| message | fields read |
|---|---|
| Event | 1 wall_time, 2 step, 4 graph_def, 5 summary, 7 session_log, 8 tagged_run_metadata, 9 meta_graph_def |
| Summary.Value | 1 tag, 2 simple_value, 4 image, 5 histo, 6 audio, 8 tensor, 9 metadata |
| SummaryMetadata | 1 plugin_data: 1 plugin_name, 2 content |
| Image, Audio | 4 encoded bytes |
| HistogramProto | 6 bucket_limit, 7 bucket |
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.importers import figures
from ingest.importers.protobuf import Value, data, double, fields, number, signed, text
from ingest.importers.records import Details, Image, Line, Lines, Plot, Skipped
from ingest.importers.tensorboard_hparams import hparams_details
from ingest.importers.tensors import Tensor, read_tensor
from schema.adapters.metric_keys import names_of_path

GRAPH, RUN_METADATA, META_GRAPH = 4, 8, 9  # fields of events that have no place in Eventide
NO_PLACE = {GRAPH: "graph", RUN_METADATA: "run metadata", META_GRAPH: "graph"}
SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8": "jpeg", b"GIF8": "gif", b"RIFF": "wav"}


@dataclass(frozen=True)
class Scalar:
    """A point. ``time``: ms since the epoch."""

    tag: str
    step: int
    value: float
    time: int


@dataclass(frozen=True)
class Place:
    """What the parts of one value share."""

    tag: str
    step: int
    time: int

    @property
    def names(self) -> tuple[str, str]:
        """Metric and variant."""
        return names_of_path(self.tag)


Found = Scalar | Lines | Image | Plot | Details | Skipped


@dataclass
class EventReader:
    """Turns the events of one run into parts. ``plugins``: by tag, as the first value of a tag alone names it."""

    plugins: dict[str, str] = field(default_factory=dict)

    def read(self, event: bytes) -> Iterator[Found]:
        """Yield what an event says. Raises MalformedMessage."""
        time, step, summaries = 0, 0, []
        for name, value in fields(event):
            if name == 1:
                time = round(double(value) * 1000)
            elif name == 2:
                step = signed(number(value))
            elif name == 5:
                summaries.append(data(value))
            elif name in NO_PLACE:
                yield Skipped(NO_PLACE[name])
        for summary in summaries:
            for _, value in fields(summary):
                yield from self._value(data(value), step, time)

    def _value(self, message: bytes, step: int, time: int) -> Iterator[Found]:
        parts: dict[int, Value] = dict(fields(message))
        place = Place(text(parts.get(1, b"")), step, time)
        plugin, content = self._plugin(place.tag, data(parts.get(9, b"")))
        if plugin == "hparams":
            yield from hparams_details(place.tag, content)
        elif 2 in parts:
            yield Scalar(place.tag, step, double(parts[2]), time)
        elif 4 in parts:
            yield from _file(place, data(parts[4]))
        elif 5 in parts:
            yield _histogram(place, data(parts[5]))
        elif 6 in parts:
            yield from _file(place, data(parts[6]))
        elif 8 in parts:
            yield from _of_tensor(plugin, place, read_tensor(data(parts[8])))
        elif content or plugin:
            yield Skipped(f"{plugin or 'unknown'} summary")

    def _plugin(self, tag: str, metadata: bytes) -> tuple[str, bytes]:
        plugin_data = next((data(value) for name, value in fields(metadata) if name == 1), b"")
        parts = dict(fields(plugin_data))
        if 1 in parts:
            self.plugins.setdefault(tag, text(parts[1]))
        return self.plugins.get(tag, ""), data(parts.get(2, b""))


def _file(place: Place, message: bytes, key: str | None = None) -> Iterator[Found]:
    """Yield the picture or sound of an Image or Audio message."""
    encoded = next((data(value) for name, value in fields(message) if name == 4), b"")
    yield from _encoded(place, encoded, key)


def _encoded(place: Place, content: bytes, key: str | None) -> Iterator[Found]:
    if not content:
        yield Skipped("empty image")
        return
    ending = next((name for start, name in SIGNATURES.items() if content.startswith(start)), "bin")
    metric, variant = place.names
    name = f"{variant}_{place.step}{'_' + key if key else ''}.{ending}"
    yield Image(metric, variant, place.step, place.time, name, content, key)


def _histogram(place: Place, message: bytes) -> Plot:
    limits: list[float] = []
    counts: list[float] = []
    for name, value in fields(message):
        if name in (6, 7):
            (limits if name == 6 else counts).extend(_doubles(data(value)))
    edges = [2 * limits[0] - limits[1] if len(limits) > 1 else 0.0, *limits]  # the first bucket's start is not told
    if len(limits) > 2 and abs(limits[-1]) > 1e300:  # nor is the end of the last, which is the greatest double
        edges[-1] = 2 * limits[-2] - limits[-3]
    return _plot(place, figures.histogram(place.tag, edges, counts))


def _doubles(packed: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(packed) // 8}d", packed[: len(packed) // 8 * 8])


def _plot(place: Place, figure: figures.Figure) -> Plot:
    return Plot(*place.names, place.step, place.time, figure)


def _of_tensor(plugin: str, place: Place, tensor: Tensor) -> Iterator[Found]:
    """Yield what a value in the form of TensorFlow 2 says."""
    if plugin in ("", "scalars") and tensor.numbers is not None and tensor.numbers.size == 1:
        yield Scalar(place.tag, place.step, float(tensor.numbers.flat[0]), place.time)
    elif plugin in ("", "text") and tensor.texts is not None:
        yield Lines([Line(place.time, f"[{place.tag} @ {place.step}] {_decoded(one)}") for one in tensor.texts])
    elif plugin == "images" and tensor.texts is not None:
        for place_in_row, content in enumerate(tensor.texts[2:]):  # behind width and height
            yield from _encoded(place, content, str(place_in_row) if len(tensor.texts) > 3 else None)
    elif plugin == "audio" and tensor.texts:
        yield from _encoded(place, tensor.texts[0], None)
    elif plugin == "histograms" and tensor.numbers is not None and tensor.numbers.ndim == 2:
        rows = tensor.numbers.reshape(-1, 3)
        edges = [*rows[:, 0].tolist(), rows[-1, 1].item()] if len(rows) else [0.0]
        yield _plot(place, figures.histogram(place.tag, edges, rows[:, 2].tolist()))
    elif plugin == "pr_curves" and tensor.numbers is not None and tensor.numbers.ndim == 2:
        precision, recall = tensor.numbers[-2].tolist(), tensor.numbers[-1].tolist()
        yield _plot(place, figures.lines(place.tag, recall, precision, "recall", "precision"))
    else:
        yield Skipped(f"{plugin or 'tensor'} summary")


def _decoded(content: bytes) -> str:
    return content.decode(errors="replace")
