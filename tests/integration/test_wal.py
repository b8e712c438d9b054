"""The journal of ``eventide up`` on a real SQLite: what comes out is what went in, in either form of a block."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ingest.local import wal as wal_module
from ingest.local.wal import WalEntry, WriteAheadLog
from schema.errors import RecordError
from schema.events.blocks import EVENTS, SCHEMA_VERSION, Block, Content, Deletion, decode
from schema.events.normalize import ParseContext, normalise
from schema.events.rows import MAX_PLAIN_ROWS
from schema.events.tables import EVENT_TYPES
from tests.harness.events import SCALAR, log, one_of_each, scalar

CONTEXT = ParseContext(now_ms=5, batch_id=bytes(range(16)), fresh_id=b"\xff" * 16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def wal(file: Path) -> Iterator[WriteAheadLog]:
    made = WriteAheadLog(file)
    yield made
    made.close()


def few(*lines: dict[str, Any], company: str = "c") -> Block:
    """A block of rows as a small request brings them."""
    events = [normalise(line, place, CONTEXT) for place, line in enumerate(lines)]
    return Block(company, events[0].type, 123, [event.row for event in events])


def in_columns(block: Block) -> Block:
    return replace(block, rows=block.columns)


def told(content: Content) -> object:
    if isinstance(content, Deletion):
        return asdict(content)
    return content.company, content.event_type, content.received_at, content.columns.to_pylist()


def stored(file: Path) -> list[tuple[dict[str, str], bytes]]:
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT headers, content FROM records ORDER BY offset").fetchall()
    connection.close()
    return [(json.loads(headers), content) for headers, content in rows]


def all_told(entries: list[WalEntry]) -> list[tuple[int, int, object]]:
    return [(entry.offset, entry.record.place.seq, told(entry.record.content)) for entry in entries]


CONTENTS: list[Content] = [
    *(few(line, company="ü\U0001f600") for line in one_of_each("é", note="\U0001f600")),
    few(scalar("t", 2**63 - 1, 0.1), scalar("u", None, None)),
    in_columns(few(scalar("t", 7, 0.3))),
    few(*(log("t", "x" * 10_000) for _ in range(3))),
    Deletion("c", "t", EVENTS, 5),
]


def test_what_is_appended_is_there_after_a_restart(wal: WriteAheadLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal_module, "ROWS_AT_ONCE", 4)  # several statements
    appended = [entry for entries in wal.append([CONTENTS[:3], [], CONTENTS[3:]]) for entry in entries]
    assert [told(entry.record.content) for entry in appended] == [told(content) for content in CONTENTS]
    assert all_told(wal.entries()) == all_told(appended)
    assert [entry.entities for entry in wal.entries()] == [entry.entities for entry in appended]


def test_each_record_has_a_place_of_its_own_whatever_was_forgotten(wal: WriteAheadLog) -> None:
    offsets = []
    for count in (1, 60, 2, 130):
        entries = [entry for (entry,) in wal.append([[few(scalar("t"))]] * count)]
        assert [entry.offset for entry in wal.entries()] == [entry.offset for entry in entries]
        offsets += [entry.offset for entry in entries]
        wal.forget(offsets[-1])
    assert offsets == list(range(offsets[0], offsets[0] + 193))


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_only_few_and_small_rows_stand_as_they_are(wal: WriteAheadLog, file: Path, event_type: str) -> None:
    (line,) = (line for line in one_of_each("t") if line["type"] == event_type)
    small, large = few(dict(line)), few(line | {"note": "x" * 10_000})
    wal.append([[small, in_columns(small), large]])
    assert [headers.get("form") for headers, _ in stored(file)] == ["rows", None, None]


def test_a_version_that_knows_columns_alone_says_that_it_is_too_old(wal: WriteAheadLog, file: Path) -> None:
    wal.append([[few(*(scalar("t", n) for n in range(MAX_PLAIN_ROWS)))]])
    ((headers, content),) = stored(file)
    assert int(headers["schema"]) > SCHEMA_VERSION
    with pytest.raises(RecordError, match="newer"):
        decode({name: text.encode() for name, text in headers.items()}, content, 0, 1)


def test_what_was_parked_comes_again_in_either_form(wal: WriteAheadLog) -> None:
    first, second = few(scalar("t", 1, 0.5)), in_columns(few(scalar("t", 2, 0.5)))
    (entries,) = wal.append([[first, second]])
    for entry in entries:
        wal.park(entry.record, "refused")
    wal.forget(entries[-1].offset)
    wal.replay_parked()
    again = wal.entries()
    assert [told(entry.record.content) for entry in again] == [told(first), told(second)]
    assert [entry.record.place for entry in again] == [entry.record.place for entry in entries]
    assert [block.event_type for block in (first, second)] == [SCALAR, SCALAR]


def test_rows_that_cannot_be_kept_change_nothing(wal: WriteAheadLog) -> None:
    with pytest.raises(UnicodeEncodeError):
        wal.append([[few(scalar("t", 1))], [few(scalar("\ud800", 2))]])
    assert wal.entries() == []
