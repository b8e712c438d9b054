"""The endpoints that write events: body -> batch -> blocks -> log (API contract 2.7, 3.1, 3.2, 3.25 to 3.27)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ingest.last_update import LastUpdateRecorder
from ingest.log import Log
from ingest.parsing.arrow_stream import read_columns
from ingest.parsing.batch import Batch, read_events
from ingest.parsing.json_lines import read_body
from ingest.permission import check_write, may_write
from ingest.quotas import WriteQuotas
from ingest.refused_events import RefusedEvents
from schema.api.requests import ARROW_STREAM, JSON_LINES, Boolean, EventBatch, Integer, Request
from schema.api.told_ids import told_id
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import EmptyBatch, EventsError, InvalidField, NothingAdded
from schema.events.blocks import EVENTS, LOGS, Block, Deletion
from schema.events.normalize import Mention, ParseContext
from schema.events.tables import INT64_MAX, INT64_MIN
from schema.fairness.computing import compute_if
from schema.fairness.fair_executor import FairExecutor
from schema.json_encoding import to_json
from schema.metrics import BATCH_BYTES, PRODUCE_SECONDS
from schema.metrics import EVENTS as EVENTS_COUNTER
from schema.registry import MANY_ENTITIES, MODELS, TASKS, Entity, Kind, Registry
from schema.tracing import span

READ_IN_THREAD_FROM_BYTES = 1 << 17
READERS = FairExecutor(2, "reader")  # more would wait for Python's lock, and each keeps memory of its own
MAX_TOLD_REASONS, OTHER_REASONS = 1000, "other reasons"
ACKS = ("durable", "visible")
BODIES = {JSON_LINES: read_body, ARROW_STREAM: read_columns}

endpoints = Endpoints(Tier.GATEWAY)


@dataclass(frozen=True)
class Gateway:
    """The dependencies of the write path."""

    registry: Registry
    log: Log
    last_update_recorder: LastUpdateRecorder
    quotas: WriteQuotas
    refused_events: RefusedEvents
    ack: str = "durable"
    validate_plots: bool = False


class DeleteForTask(Request):
    """A task whose events are to be deleted."""

    task: str
    allow_locked: Boolean = False


class DeleteForModel(Request):
    """A model whose events are to be deleted."""

    model: str
    allow_locked: Boolean = False


class ClearTaskLog(Request):
    """Log lines of a task to delete: older than ``threshold_sec`` seconds (0: all), by metric."""

    task: str
    allow_locked: Boolean = False
    threshold_sec: Integer = 0
    include_metrics: list[str] = []
    exclude_metrics: list[str] = []


@endpoints.add("events.add", is_batch=True)
async def add(gateway: Gateway, caller: Caller, request: EventBatch) -> Answer:
    """Add one event. Raises NothingAdded if it is refused, RateExceeded and QuotaExceeded."""
    gateway.quotas.check(caller)
    event = request.event or {}
    body = to_json(event)
    context = _context(gateway, caller, body)
    return await _accept(gateway, caller, read_events([event], context), context, len(body))


@endpoints.add("events.add_batch", is_batch=True)
async def add_batch(gateway: Gateway, caller: Caller, request: EventBatch) -> Answer:
    """Add one event a line, or Arrow columns of events.

    Raises EmptyBatch, MalformedRequest, InvalidField, RateExceeded and QuotaExceeded (nothing is stored), and
    NothingAdded.
    """
    gateway.quotas.check(caller)
    if request.event is not None:
        if not request.event:
            raise EmptyBatch("Batch has no events")
        return await add(gateway, caller, request)
    BATCH_BYTES.inc(len(request.body))
    # An Arrow body may hold many events in few bytes.
    if len(request.body) < READ_IN_THREAD_FROM_BYTES and request.media_type != ARROW_STREAM:
        read = _read(gateway, caller, request)
    else:
        read = await READERS.run(_read, gateway, caller, request)
    return await _accept(gateway, caller, *read, len(request.body))


def _read(gateway: Gateway, caller: Caller, request: EventBatch) -> tuple[Batch, ParseContext]:
    context = _context(gateway, caller, request.body)
    with span("parse batch"):
        return BODIES[request.media_type](request.body, context), context


@endpoints.add("events.delete_for_task")
async def delete_for_task(gateway: Gateway, caller: Caller, request: DeleteForTask) -> Answer:
    """Delete a task's events of all types; its statistics stay."""
    task = await _writable(gateway, caller, TASKS, request.task, request.allow_locked)
    return await _delete(gateway, caller, Deletion(task.company, task.id, EVENTS, _now_ms()))


@endpoints.add("events.delete_for_model")
async def delete_for_model(gateway: Gateway, caller: Caller, request: DeleteForModel) -> Answer:
    """Delete a model's events of all types; its statistics stay."""
    model = await _writable(gateway, caller, MODELS, request.model, request.allow_locked)
    return await _delete(gateway, caller, Deletion(model.company, model.id, EVENTS, _now_ms()))


@endpoints.add("events.clear_task_log")
async def clear_task_log(gateway: Gateway, caller: Caller, request: ClearTaskLog) -> Answer:
    """Delete a task's log lines."""
    task = await _writable(gateway, caller, TASKS, request.task, request.allow_locked)
    now = _now_ms()
    through = now - request.threshold_sec * 1000 - 1 if request.threshold_sec else INT64_MAX
    through = min(max(through, INT64_MIN), INT64_MAX)
    names = {"include": request.include_metrics, "exclude": request.exclude_metrics}
    return await _delete(gateway, caller, Deletion(task.company, task.id, LOGS, now, through, **names))


async def _writable(gateway: Gateway, caller: Caller, kind: Kind, entity_id: str, allow_locked: bool) -> Entity:
    """Return a task or model whose events the caller may change. Raises what ``check_write`` raises."""
    entity = (await gateway.registry.entities(kind, [entity_id])).get(entity_id)
    is_locked = entity is not None and entity.is_locked and not allow_locked
    check_write(kind, caller, entity_id, entity.owner if entity else None, is_locked)
    assert entity
    return entity


async def _delete(gateway: Gateway, caller: Caller, deletion: Deletion) -> Answer:
    deleted = await gateway.log.delete(deletion, caller.is_abandoned)
    if deletion.scope != LOGS:
        await gateway.quotas.metrics.forget([deletion.entity])
    return {"deleted": deleted}


async def _accept(gateway: Gateway, caller: Caller, batch: Batch, context: ParseContext, size_bytes: int) -> Answer:
    """Publish the events that may be stored; return the counts of API contract 2.7.

    Raises NothingAdded if there are none, RateExceeded and QuotaExceeded.
    """
    entities = await _entities(gateway.registry, batch.entities.values())
    refusals, failures = await compute_if(len(batch.entities) >= MANY_ENTITIES, _refuse, batch, entities, caller)
    gateway.refused_events.record(batch, refusals)
    added, failed = batch.event_count, failures.total()
    EVENTS_COUNTER.labels("failed").inc(failed)
    if not added:
        raise NothingAdded(f"Events not added: {await _told(failures)}")
    await gateway.quotas.metrics.admit(caller, batch, entities)
    charge = gateway.quotas.charge(caller, size_bytes, batch, entities)
    EVENTS_COUNTER.labels("added").inc(added)
    blocks = [Block(caller.company, kind, context.now_ms, rows) for kind, rows in batch.rows.items() if len(rows)]
    try:
        with PRODUCE_SECONDS.time():
            await gateway.log.publish(blocks, _is_visible(gateway, caller), caller.is_abandoned)
    except EventsError:
        gateway.quotas.refund(charge)
        raise
    accepted = (mention for mention in batch.entities.values() if mention.id not in refusals)
    gateway.last_update_recorder.touch_mentioned(accepted, caller.user)
    return {"added": added, "errors": failed, "errors_info": await _told(failures)}


async def _told(failures: Counter[str]) -> dict[str, int]:
    """Return the reasons with their counts; of very many the most frequent, and how many events others refused."""
    if len(failures) <= MAX_TOLD_REASONS:
        return dict(failures)
    return await READERS.run(_most_frequent, failures)


def _most_frequent(failures: Counter[str]) -> dict[str, int]:
    told = dict(failures.most_common(MAX_TOLD_REASONS))
    return told | {OTHER_REASONS: failures.total() - sum(told.values())}


async def _entities(registry: Registry, mentions: Collection[Mention]) -> dict[Mention, Entity]:
    """Return the tasks and models that exist."""
    is_large = len(mentions) >= MANY_ENTITIES
    named = await compute_if(is_large, _ids_by_kind, mentions)
    known = {is_model: await registry.entities(MODELS if is_model else TASKS, ids) for is_model, ids in named.items()}
    return await compute_if(is_large, _existing, mentions, known)


def _ids_by_kind(mentions: Iterable[Mention]) -> dict[bool, list[str]]:
    """Return the ids of tasks (False) and of models (True)."""
    named: dict[bool, list[str]] = {}
    for mention in mentions:
        named.setdefault(mention.is_model, []).append(mention.id)
    return named


def _existing(mentions: Iterable[Mention], known: Mapping[bool, Mapping[str, Entity]]) -> dict[Mention, Entity]:
    return {
        mention: known[mention.is_model][mention.id] for mention in mentions if mention.id in known[mention.is_model]
    }


def _refuse(batch: Batch, entities: Mapping[Mention, Entity], caller: Caller) -> tuple[dict[str, str], Counter[str]]:
    """Remove the events that may not be stored from a batch; return the refused entities, and counts by reason."""
    refusals = _refusals(entities, caller, batch.entities.values())
    return refusals, batch.refuse(refusals)


def _refusals(entities: Mapping[Mention, Entity], caller: Caller, mentions: Iterable[Mention]) -> dict[str, str]:
    """Return the entities that may not be written, with the reason: unknown, not the caller's, public, or locked."""
    refusals = {}
    for mention in mentions:
        entity = entities.get(mention)
        if entity is None or not may_write(caller, entity.owner, entity.is_locked and not mention.allow_locked):
            refusals[mention.id] = f"Invalid {'model' if mention.is_model else 'task'} id {told_id(mention.id)}"
    return refusals


def _context(gateway: Gateway, caller: Caller, body: bytes) -> ParseContext:
    return ParseContext(
        now_ms=_now_ms(),
        worker=caller.worker,
        fresh_id=os.urandom(16),
        validate_plots=gateway.validate_plots,
        source=caller.idempotency_key.encode() if caller.idempotency_key else body,
    )


def _is_visible(gateway: Gateway, caller: Caller) -> bool:
    ack = caller.ack or gateway.ack
    if ack not in ACKS:
        raise InvalidField(f"X-Eventide-Ack must be one of {', '.join(ACKS)}")
    return ack == "visible"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
