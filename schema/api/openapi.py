"""A description of the API, as an OpenAPI document and as a page, made from the endpoint table and the request models.

Each implementation stands under the path of its minimum version; a path without a version is the newest implementation.
"""

from __future__ import annotations

from html import escape
from typing import Any

from pydantic.json_schema import models_json_schema

from schema.api.docstrings import paragraphs, to_html, with_commonmark
from schema.api.requests import ARROW_STREAM, JSON_LINES, EventBatch
from schema.api.wire import EVENT_STREAM, MAX_VERSION, Endpoint, Endpoints
from schema.build import build
from schema.events.tables import EVENT_TYPES

Json = dict[str, Any]
REFERENCE = "#/components/schemas/{model}"
EVENT: Json = {
    "type": "object",
    "required": ["type", "task"],
    "properties": {
        "type": {"enum": list(EVENT_TYPES)},
        "task": {"type": "string", "description": "id of the task, or of the model for model events"},
        "model_event": {"type": "boolean", "default": False},
        "allow_locked": {"type": "boolean", "default": False},
        "timestamp": {"type": "number", "description": "ms since the epoch; now if absent"},
        "iter": {"type": "integer"},
        "metric": {"type": "string"},
        "variant": {"type": "string"},
        "worker": {"type": "string"},
        "value": {"description": "a number (scalar) or numbers (vector)"},
        "url": {"type": "string", "description": "debug image"},
        "key": {"type": "string", "description": "debug image"},
        "plot_str": {"type": "string", "description": "plot: its JSON"},
        "level": {"type": "string", "description": "log"},
        "msg": {"type": "string", "description": "log"},
    },
    "additionalProperties": True,
}
META: Json = {
    "type": "object",
    "required": ["id", "trx", "endpoint", "result_code", "result_subcode", "result_msg"],
    "properties": {
        "id": {"type": "string"},
        "trx": {"type": "string"},
        "endpoint": {"type": "object"},
        "result_code": {"type": "integer"},
        "result_subcode": {"type": "integer"},
        "result_msg": {"type": "string"},
    },
}
ENVELOPE: Json = {
    "type": "object",
    "required": ["meta", "data"],
    "properties": {"meta": {"$ref": REFERENCE.format(model="Meta")}, "data": {"type": "object"}},
}
ENVELOPED: Json = {"application/json": {"schema": {"$ref": REFERENCE.format(model="Envelope")}}}
EVENT_STREAMED: Json = {EVENT_STREAM: {"schema": {"type": "string"}}}
EVENT_STREAMS = frozenset(("events.stream",))
LAST_EVENT_ID: Json = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "the id of the last event that was received: the stream goes on after it",
}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Eventide API</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
code {{ font-size: 0.9em }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: 0.2rem 0.8rem 0.2rem 0; border-bottom: 1px solid #8884 }}
summary {{ cursor: pointer; padding: 0.3rem 0 }}
</style>
<p><a href=".">Eventide</a></p>
<h1>Eventide API {version}</h1>
<p>Every call takes any HTTP method with a JSON body and answers <code>{{"meta": …, "data": …}}</code>.
Authenticate with Basic (access and secret key) or with the Bearer token of <code>auth.login</code>.
The same as <a href="openapi.json">OpenAPI</a>.</p>
{endpoints}
<p>Eventide {build}. <a href=".">Back to its page</a></p>
</html>
"""


def document(endpoints: Endpoints) -> Json:
    """Return the OpenAPI 3.1 document of an endpoint table."""
    ordered = sorted(endpoints, key=lambda endpoint: (endpoint.name, endpoint.since))
    models = sorted({e.request for e in ordered if not e.is_batch}, key=lambda model: model.__name__)
    references, definitions = models_json_schema([(model, "validation") for model in models], ref_template=REFERENCE)
    schemas = {"Event": EVENT, "Meta": META, "Envelope": ENVELOPE} | with_commonmark(definitions.get("$defs", {}))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Eventide",
            "version": MAX_VERSION,
            "summary": f"The ClearML events API, of Eventide {build().version}",
        },
        "security": [{"basic": []}, {"bearer": []}],
        "paths": {path_of(e): _item_of(e, references.get((e.request, "validation"), {})) for e in ordered},
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def page(endpoints: Endpoints) -> str:
    """Return the page of an endpoint table: HTML without scripts or external assets."""
    described = document(endpoints)
    items = [_item(path, next(iter(item.values())), described) for path, item in described["paths"].items()]
    return PAGE.format(version=MAX_VERSION, endpoints="\n".join(items), build=escape(str(build())))


def path_of(endpoint: Endpoint) -> str:
    """Return the path under which the document lists an implementation."""
    return f"/v{endpoint.actual_version}/{endpoint.name}"


def _item_of(endpoint: Endpoint, reference: Json) -> Json:
    """Describe an endpoint. ``reference``: to the schema of its request."""
    if endpoint.name in EVENT_STREAMS:
        return {"get": _described(endpoint, EVENT_STREAMED) | {"parameters": _query_parameters(endpoint)}}
    return {"post": _described(endpoint, ENVELOPED) | {"requestBody": {"content": _content(endpoint, reference)}}}


def _described(endpoint: Endpoint, answer: Json) -> Json:
    return {
        "operationId": f"{endpoint.name}@{endpoint.actual_version}",
        "tags": [endpoint.name.partition(".")[0]],
        **_text(endpoint),
        "responses": {
            "200": {"description": "the answer", "content": answer},
            "default": {"description": "what went wrong: result_code and result_subcode", "content": ENVELOPED},
        },
    }


def _text(endpoint: Endpoint) -> dict[str, str]:
    """Return the first paragraph of a docstring, and the others if there are any."""
    summary, *others = paragraphs(endpoint.documented)
    return {"summary": summary} | ({"description": "\n\n".join(others)} if others else {})


def _query_parameters(endpoint: Endpoint) -> list[Json]:
    """Describe a GET's query parameters, so that a browser's EventSource can open it."""
    schema = with_commonmark(endpoint.request.model_json_schema(ref_template=REFERENCE))
    required = schema.get("required", ())
    parameters = [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]
    return [*parameters, LAST_EVENT_ID]


def _content(endpoint: Endpoint, reference: Json) -> Json:
    if not issubclass(endpoint.request, EventBatch):
        return {"application/json": {"schema": reference}}
    line = endpoint.request.line
    one = {"application/json": {"schema": {"$ref": REFERENCE.format(model=line)}}}
    if endpoint.name == "events.add":
        return one
    columns = {"schema": {"type": "string", "format": "binary", "description": "columns named as fields"}}
    lines = {JSON_LINES: {"schema": {"type": "string", "description": f"one {line} a line"}}}
    return lines | ({ARROW_STREAM: columns} if endpoint.name == "events.add_batch" else {}) | one


def _item(path: str, operation: Json, described: Json) -> str:
    schema = _parameters(operation, described)
    fields = [_field(name, field, schema) for name, field in schema.get("properties", {}).items()]
    table = f"<table>{''.join(fields)}</table>" if fields else ""
    more = [f"<p>{to_html(text)}</p>" for text in operation.get("description", "").split("\n\n") if text]
    summary = f"<code>{escape(path)}</code> {to_html(operation['summary'])}"
    return f"<details><summary>{summary}</summary>{''.join(more)}{table}</details>"


def _parameters(operation: Json, described: Json) -> Json:
    """Return the schema of an endpoint's parameters."""
    if "parameters" in operation:
        queried = [parameter for parameter in operation["parameters"] if parameter["in"] == "query"]
        required = [parameter["name"] for parameter in queried if parameter["required"]]
        return {"properties": {p["name"]: p["schema"] for p in queried}, "required": required}
    content = next(iter(operation["requestBody"]["content"].values()))["schema"]
    found: Json = described["components"]["schemas"].get(content.get("$ref", "").rpartition("/")[2], {})
    return found


def _field(name: str, field: Json, schema: Json) -> str:
    kind = field.get("type") or "/".join(option.get("type", "") for option in field.get("anyOf", ())) or "any"
    needed = "required" if name in schema.get("required", ()) else f"default {field.get('default', 'none')}"
    cells = (f"<code>{escape(name)}</code>", escape(str(kind)), escape(needed), to_html(field.get("description", "")))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
