"""Blocks of plain rows in the write-ahead log, as MessagePack: a tenth of the time of columns.

Such a record's header ``form`` says so, and its schema is one that versions without it know to be newer than theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import orjson

from ingest.local import LOCAL_EPOCH
from schema.events.blocks import SCHEMA_VERSION, SMALL_BYTES, Block, Content, encode

FORM, ROWS = "form", b"rows"
PACKER = msgspec.msgpack.Encoder()
UNPACKER = msgspec.msgpack.Decoder(list[dict[str, Any]])


def pack(content: Content) -> tuple[str, bytes] | None:
    """Return headers and bytes of a block of few and small plain rows; None of anything else."""
    if not isinstance(content, Block) or not isinstance(content.rows, list):
        return None
    value = PACKER.encode(content.rows)
    if len(value) > SMALL_BYTES:
        return None
    headers = {
        "schema": str(SCHEMA_VERSION + 1),
        "epoch": str(LOCAL_EPOCH),
        "received_at": str(content.received_at),
        "kind": content.event_type,
        "company": content.company,
        FORM: ROWS.decode(),
    }
    return orjson.dumps(headers).decode(), value


def as_columns(headers: Mapping[str, bytes], value: bytes) -> tuple[Mapping[str, bytes], bytes]:
    """Return what ``schema.events.blocks.decode`` reads: plain rows become columns, columns stay as they are."""
    if headers.get(FORM) != ROWS:
        return headers, value
    block = Block(headers["company"].decode(), headers["kind"].decode(), 0, UNPACKER.decode(value))
    _, known, encoded = encode(replace(block, rows=block.columns), LOCAL_EPOCH)
    return {**headers, "schema": known["schema"]}, encoded
