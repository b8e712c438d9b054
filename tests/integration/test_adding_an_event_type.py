"""An event type is added by the edits that CONTRIBUTING.md lists: here one is, to a copy of the packages.

A process on the copy takes a batch with the new type, encodes it as a Kafka record, writes it to chDB and reads it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.docs.documents import PACKAGES, ROOT

NOTE_TABLE = 'NOTE = "note"\n\nCOMMON: '
NOTE_FIELDS = """def _note_fields(line: dict[str, Any], context: ParseContext) -> Row:
    return {"text": _optional_text(line, "text")}


FIELDS: """
MIGRATION = """CREATE TABLE IF NOT EXISTS notes
(
    company String, task String, metric String, variant String, iter Int64, has_iter Bool, discriminator String,
    timestamp Int64, worker String, model_event Bool, text Nullable(String), extras String, received_at Int64,
    seq UInt64
)
ENGINE = $replacing(seq)
ORDER BY (company, task, metric, variant, iter, discriminator);
"""
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from types import SimpleNamespace

from ingest.parsing.json_lines import read_lines
from ingest.writing.writer import Writer
from query.cache.read_caches import ReadCaches
from query.events import GetTaskEvents, get_task_events
from query.pagination.cursor import Cursors
from schema.api.wire import Caller
from schema.changefeed.changefeed import NoChangefeed
from schema.events.blocks import Block, decode, encode
from schema.events.normalize import ParseContext
from schema.registry import Entity
from schema.store import EmbeddedEngine, Store
from schema.store.migrate import migrate

TASK = Entity("t", "", "created", "", "company", False)


async def entity(*_):
    return TASK


def add(store, body):
    batch = read_lines(body, ParseContext(now_ms=1))
    assert not batch.failures, batch.failures
    records = []
    for offset, (event_type, rows) in enumerate(batch.rows.items()):
        _, headers, value = encode(Block(TASK.storage_company, event_type, 1, rows), 1)
        records.append(decode(headers, value, 0, offset))
    Writer(store).write(records)


store = Store(EmbeddedEngine(Path("store")), 1)
migrate(store)
add(store, sys.stdin.buffer.read())
context = SimpleNamespace(
    store=store, caches=ReadCaches(store, NoChangefeed()), cursors=Cursors("secret"), entity=entity
)
asked = [GetTaskEvents(task=TASK.id), GetTaskEvents(task=TASK.id, event_type=sys.argv[1])]
caller = Caller("u", "company", "user")
print(json.dumps([asyncio.run(get_task_events(context, caller, request))["events"] for request in asked]))
store.close()
"""
AT = {"task": "t", "iter": 3, "metric": "m", "variant": "v", "timestamp": 7, "worker": "w"}
NOTES = [AT | {"type": "note", "text": "first"}, AT | {"type": "note", "text": "second", "iter": 4, "more": [1]}]
ADDED = {"@timestamp": "1970-01-01T00:00:00.001Z", "model_event": False}  # to each event that is returned
POINT = AT | {"type": "training_stats_scalar", "value": 0.5}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the packages."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "page")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    return tmp_path


def add_note(copy: Path) -> None:
    """Apply what CONTRIBUTING.md lists under "An event type", without the fast path."""
    edit(copy / "schema/events/tables.py", "COMMON: ", NOTE_TABLE)
    edit(
        copy / "schema/events/tables.py",
        "        Table(\n",
        '        Table(NOTE, "notes", {"text": pa.string()}, {}),\n        Table(\n',
    )
    edit(copy / "schema/events/normalize.py", "FIELDS: ", NOTE_FIELDS)
    edit(
        copy / "schema/events/normalize.py",
        "    PLOT: _plot_fields,\n",
        '    "note": _note_fields,\n    PLOT: _plot_fields,\n',
    )
    migrations = copy / "schema/store/migrations"
    newest = max(int(path.name[:4]) for path in migrations.glob("*.sql"))
    (migrations / f"{newest + 1:04}_notes.sql").write_text(MIGRATION)


def edit(file: Path, at: str, text: str) -> None:
    """Put a text in the place of another one, which the file has once at the start of a line."""
    changed, count = re.subn(f"^{re.escape(at)}", lambda _: text, file.read_text(), flags=re.MULTILINE)
    assert count == 1, (file.name, at)
    file.write_text(changed)


def run(copy: Path) -> subprocess.CompletedProcess[str]:
    """Run the program on the copy: it adds all events, and prints them, and those of the new type."""
    body = "\n".join(map(json.dumps, [*NOTES, POINT]))
    command = [sys.executable, "-c", PROGRAM, "note"]
    return subprocess.run(command, cwd=copy, input=body, capture_output=True, text=True, timeout=120)


def test_the_documented_edits_add_an_event_type(copy: Path) -> None:
    add_note(copy)
    done = run(copy)
    assert done.returncode == 0, done.stderr
    every, notes = json.loads(done.stdout)
    assert notes == [event | ADDED for event in NOTES]
    assert [event for event in every if event not in notes] == [POINT | ADDED]
    assert len(every) == 3


def test_without_them_it_is_refused(copy: Path) -> None:
    done = run(copy)
    assert done.returncode != 0
    assert "Invalid event type note" in done.stderr


def test_the_documented_files_are_those() -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("### An event type\n")[2].partition("\n### ")[0]
    for named in ("schema/events/tables.py", "schema/events/normalize.py", "migration"):
        assert named in section
