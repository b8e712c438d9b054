"""Files of W&B runs -> parts of runs."""

from __future__ import annotations

import math
import re
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from ingest.importers.leveldb_log import BLOCK_BYTES
from ingest.importers.records import SINGLE_VALUE, Artifact, Image, Lines, Part, Plot, Skipped
from tests.harness.import_samples import SAMPLES, curves, details, parts_of, runs_of, skipped
from tests.harness.tfevents import block, integer

HEADER = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def fragment(kind: int, data: bytes) -> bytes:
    """A part of a record."""
    return struct.pack("<IHB", zlib.crc32(bytes((kind,)) + data), len(data), kind) + data


def run_file(directory: Path, *records: bytes) -> Path:
    """A file of whole records, cut into blocks."""
    content = HEADER
    for record in (RUN, *records):
        kind, rest = FULL, record
        while rest or kind in (FULL, FIRST):
            room = BLOCK_BYTES - len(content) % BLOCK_BYTES
            if room < 7:
                content += bytes(room)
                continue
            data, rest = rest[: room - 7], rest[room - 7 :]
            first = kind in (FULL, FIRST)
            kind = (FIRST if first else MIDDLE) if rest else (FULL if first else LAST)
            content += fragment(kind, data)
            kind = MIDDLE
    path = directory / "offline-run-1" / "run-abc.wandb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def item(key: str, value: str) -> bytes:
    """A key and its JSON."""
    return block(1, block(1, key.encode()) + block(16, value.encode()))


def history(step: int, *items: bytes) -> bytes:
    """A step of the history."""
    return block(2, b"".join(items) + block(2, integer(1, step)))


RUN = block(
    17, block(1, b"abc") + block(2, b"team") + block(3, b"proj") + block(8, b"bright-star-1") + block(10, b"t1")
)
EXIT = block(18, integer(1, 1))


def lines_of(parts: list[Part]) -> list[str]:
    """The log."""
    return [line.text for part in parts if isinstance(part, Lines) for line in part.lines]


def test_a_sample_of_wandb_is_read_whole() -> None:
    (run,) = runs_of(SAMPLES / "wandb")
    assert (run.id, run.name, run.project) == ("d1njc0hu", "d1njc0hu", "eventide-sample")
    parts = list(run.read())
    found = curves(parts)
    assert dict(found["loss", "loss"]) == pytest.approx({step: math.exp(-step / 20) for step in range(50)})
    assert [step for step, _ in found["nested", "acc"]] == [*range(50)]
    assert [step for step, value in found["nanv", "nanv"] if math.isnan(value)] == [7]
    assert found["best", "best"] == [(SINGLE_VALUE, 0.99)]
    assert len(found[":monitor:machine", "memory_percent"]) == 6
    assert lines_of(parts) == ["hello console"]
    (image,) = (part for part in parts if isinstance(part, Image))
    assert isinstance(image.content, Path)
    assert image.content.read_bytes().startswith(b"\x89PNG")
    histogram, table = (part.figure["data"][0] for part in parts if isinstance(part, Plot))
    assert len(histogram["x"]) == len(histogram["y"])
    assert table["cells"]["values"] == [[1, 3], [2, 4]]
    assert [part.key for part in parts if isinstance(part, Artifact)] == ["requirements.txt"]
    about = details(parts)
    assert (about.config, about.status, about.started) == (
        {"lr": 0.1, "model": {"depth": 3}},
        "completed",
        1796029458443,
    )
    assert skipped(parts) == {"artifact": 1}


def test_names_statuses_and_records_over_several_blocks(tmp_path: Path) -> None:
    long = history(7, item("note", '"' + "x" * 3 * BLOCK_BYTES + '"'))
    steps = [history(step, item("loss/train", str(step / 2))) for step in range(5000)]
    run_file(tmp_path, *steps, long, EXIT)
    (run,) = runs_of(tmp_path)
    assert (run.name, run.project) == ("bright-star-1", "team/proj")
    parts = list(run.read())
    assert curves(parts) == {("loss", "train"): [(step, step / 2) for step in range(5000)]}
    assert [len(line) for line in lines_of(parts)] == [3 * BLOCK_BYTES + len("[note @ 7] ")]
    assert (details(parts).status, details(parts).status_reason, details(parts).tags) == (
        "failed",
        "exit code 1",
        ["t1"],
    )


def test_a_run_that_was_killed_is_told_and_what_it_wrote_comes(tmp_path: Path) -> None:
    path = run_file(tmp_path, *(history(step, item("loss", str(step))) for step in range(9)))
    path.write_bytes(path.read_bytes()[:-2])
    parts = parts_of(path)
    assert [step for step, _ in curves(parts)["loss", "loss"]] == [*range(8)]
    (torn,) = (part for part in parts if isinstance(part, Skipped))
    assert re.fullmatch(rf"{path}: torn at byte \d+, in the middle of a record", torn.message)
    assert details(parts).status == "stopped"


def test_a_damaged_block_is_told_and_the_next_is_read(tmp_path: Path) -> None:
    path = run_file(tmp_path, *(history(step, item("loss", str(step))) for step in range(5000)), EXIT)
    content = bytearray(path.read_bytes())
    content[BLOCK_BYTES + 100] ^= 1
    path.write_bytes(content)
    parts = parts_of(path)
    steps = [step for step, _ in curves(parts)["loss", "loss"]]
    assert skipped(parts) == {"damaged record": 1}
    assert (steps[0], steps[-1], details(parts).status) == (0, 4999, "failed")
    assert 3000 < len(steps) < 5000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not say which run it is of"),
        (b"nothing of W&B", "not a file of W&B"),
        (struct.pack("<4sHB", b":W&B", 0xBEE1, 7), "of version 7; version 0 can be read"),
    ],
)
def test_other_files_are_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "run-x.wandb"
    path.write_bytes(content)
    (found,) = parts_of(path)
    assert isinstance(found, Skipped)
    assert found.message == f"{path}: {message}"


def test_a_run_record_that_is_malformed_is_told_and_the_next_run_comes(tmp_path: Path) -> None:
    path = tmp_path / "a" / "run-x.wandb"
    path.parent.mkdir()
    path.write_bytes(HEADER + fragment(FULL, b"\x8a\x01\xff"))
    run_file(tmp_path, history(1, item("loss", "1")))
    told, *parts = parts_of(tmp_path)
    assert isinstance(told, Skipped)
    assert told.message.startswith(f"{path}: not as expected: MalformedMessage")
    assert curves(parts) == {("loss", "loss"): [(1, 1.0)]}


def test_files_that_are_gone_are_told(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "wandb", tmp_path / "wandb")
    for path in (tmp_path / "wandb").glob("*/files/media/table/*"):
        path.unlink()
    assert skipped(parts_of(tmp_path / "wandb"))["file that cannot be read"] == 1


def test_console_lines_are_what_a_terminal_shows(tmp_path: Path) -> None:
    output = [block(13, integer(1, 0) + block(3, text)) for text in (b"epo", b"ch 1\n10%\r20", b"%\r30%\nlast")]
    parts = parts_of(run_file(tmp_path, *output))
    assert lines_of(parts) == ["epoch 1", "30%", "last"]
