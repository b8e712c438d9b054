"""Metrics of MLflow, which are scalars: they go the way of the json lines of ``events.add_batch``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from ingest import gateway as events
from ingest.adapters.mlflow.runs import OneRun, check_run, log_params_and_tags
from ingest.gateway import Gateway
from schema.adapters.exact_values import exact_text
from schema.adapters.metric_keys import metric_and_variant
from schema.api.requests import JSON_LINES, MAX_ITEMS, EventBatch, Integer, Request, parse_json
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import BadValue, InvalidField
from schema.events.normalize import is_float32
from schema.events.tables import SCALAR
from schema.fairness.computing import compute_if

IN_THREAD_FROM_BYTES = 1 << 16
MAX_METRICS = 100_000
SOURCES = ("model_id", "dataset_name", "dataset_digest")  # fields of a metric that says what it was measured on
ENCODER = msgspec.json.Encoder()

endpoints = Endpoints(Tier.GATEWAY)


class Metric(msgspec.Struct, gc=False):
    """A point as clients send it; protobuf's JSON writes a value that is not finite as a text."""

    key: str
    value: float | str
    timestamp: int = 0
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class Pair(msgspec.Struct, gc=False):
    """A parameter or a tag."""

    key: str
    value: str = ""


class Line(msgspec.Struct, gc=False, omit_defaults=True, tag_field="type", tag=SCALAR):
    """A point as a json line of ``events.add_batch`` has it. ``exact_value``: where ``value`` cannot hold it."""

    task: str
    metric: str
    variant: str
    iter: int | None = None
    timestamp: int | None = None
    value: float | None = None
    exact_value: str | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class Batch(msgspec.Struct, gc=False):
    """Metrics, parameters and tags of a run, by its id or as MLflow 1 named it."""

    run_id: str = ""
    run_uuid: str = ""
    metrics: list[Metric] = []
    params: list[Pair] = []
    tags: list[Pair] = []


DECODER = msgspec.json.Decoder(Batch, strict=False)  # numbers may be texts


class LogBatch(Request):
    """Metrics, parameters and tags of a run, as JSON: ``run_id``, ``metrics``, ``params``, ``tags``."""

    takes_body: ClassVar[bool] = True

    body: bytes = b""


class LogMetric(OneRun):
    """A point of a run."""

    key: str
    value: float | str
    timestamp: Integer = 0
    step: Integer = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


@endpoints.add("mlflow.runs_log_metric")
async def log_metric(gateway: Gateway, caller: Caller, request: LogMetric) -> Answer:
    """Add a point. Raises InvalidTask, and what ``events.add_batch`` raises."""
    sources = {name: getattr(request, name) for name in SOURCES}
    metric = Metric(request.key, request.value, request.timestamp, request.step, **sources)
    await _add(gateway, caller, request.run, lines_of(request.run, [metric]), 1)
    return {}


@endpoints.add("mlflow.runs_log_batch")
async def log_batch(gateway: Gateway, caller: Caller, request: LogBatch) -> Answer:
    """Add metrics, parameters and tags. Raises InvalidTask, BadDocument, and what ``events.add_batch`` raises."""
    batch, lines = await compute_if(len(request.body) >= IN_THREAD_FROM_BYTES, read_batch, request.body)
    run = OneRun(run_id=batch.run_id, run_uuid=batch.run_uuid).run
    if batch.params or batch.tags:
        params = [(param.key, param.value) for param in batch.params]
        await log_params_and_tags(gateway, caller, run, params, {tag.key: tag.value for tag in batch.tags})
    if batch.metrics:
        await _add(gateway, caller, run, lines, len(batch.metrics))
    return {}


def read_batch(body: bytes) -> tuple[Batch, bytes]:
    """Return what a body says, and its metrics as json lines. Raises MalformedRequest and InvalidField."""
    try:
        batch = _decoded(body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidField(str(error)) from error
    if len(batch.metrics) > MAX_METRICS or len(batch.params) + len(batch.tags) > MAX_ITEMS:
        raise InvalidField(f"At most {MAX_METRICS} metrics and {MAX_ITEMS} parameters and tags are taken at once")
    return batch, lines_of(batch.run_id or batch.run_uuid, batch.metrics)


async def _add(gateway: Gateway, caller: Caller, run: str, lines: bytes, count: int) -> None:
    """Publish points, readable once this returns, as MLflow's clients expect.

    Raises what ``add_batch`` raises, and BadValue if some were refused.
    """
    await check_run(gateway, caller, run)
    is_visible = caller.ack or gateway.log.reads_wait
    waiting = caller if is_visible else caller.but(ack="visible")
    answer = await events.add_batch(gateway, waiting, EventBatch(body=lines, media_type=JSON_LINES))
    if answer["errors"]:
        raise BadValue(f"{answer['errors']} of {count} metrics were refused: {', '.join(answer['errors_info'])}")


def _decoded(body: bytes) -> Batch:
    """Decode a body; what is no JSON but for NaN and Infinity takes four times as long."""
    try:
        return DECODER.decode(body or b"{}")
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.convert(parse_json(body), Batch, strict=False)


def lines_of(run: str, metrics: Sequence[Metric]) -> bytes:
    """Return points as json lines, of one key and step that with the latest timestamp last. Raises InvalidField."""
    ordered = sorted(metrics, key=lambda metric: metric.timestamp)
    names = {key: metric_and_variant(key) for key in {metric.key for metric in metrics}}
    return ENCODER.encode_lines([_line(run, names[metric.key], metric) for metric in ordered])


def _line(run: str, name: tuple[str, str], metric: Metric) -> Line:
    value = _number(metric)
    line = Line(run, *name, metric.step, metric.timestamp)
    if is_float32(value):
        line.value = value
    else:
        line.exact_value = exact_text(value)
    if metric.model_id or metric.dataset_name:
        line.model_id, line.dataset_name = metric.model_id, metric.dataset_name
        line.dataset_digest = metric.dataset_digest
    return line


def _number(metric: Metric) -> float:
    try:
        return float(metric.value)
    except ValueError as error:
        raise InvalidField(f"metrics: {metric.key} has no number") from error
