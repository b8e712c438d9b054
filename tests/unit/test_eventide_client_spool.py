"""``ingest/client/eventide_client/spool.py``: what a process wrote is there when it is gone, and nothing else is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from eventide_client.spool import SEGMENT_BYTES, Spool, SpoolFull, spools_in

RUN = {"id": "a" * 32}
MIB = 1 << 20


def left_by_a_dead_process(root: Path, lines: bytes) -> Path:
    """The folder of a spool whose process was killed after it wrote these bytes."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        spool = Spool.create(root, RUN, MIB)
        spool.append(lines)
        os.write(writer, str(spool.folder).encode())
        signal.pause()
    folder = Path(os.read(reader, 4096).decode())
    with pytest.raises(BlockingIOError):
        Spool(folder, MIB)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return folder


@pytest.mark.parametrize(
    ("written", "kept"),
    [(b"a\nb\n", b"a\nb\n"), (b"a\nb", b"a\n"), (b"torn", None)],
    ids=["whole", "torn line", "nothing whole"],
)
def test_what_a_killed_process_wrote_is_a_segment(tmp_path: Path, written: bytes, kept: bytes | None) -> None:
    folder = left_by_a_dead_process(tmp_path, written)
    assert spools_in(tmp_path) == spools_in(folder) == [folder]
    spool = Spool(folder, MIB)
    assert [path.read_bytes() for path in spool.segments()] == ([kept] if kept else [])
    assert spool.run == RUN
    spool.append(b"c\n")
    spool.close_segment()
    assert [path.read_bytes() for path in spool.segments()] == [*([kept] if kept else []), b"c\n"]
    spool.discard()
    assert list(tmp_path.iterdir()) == []


def test_segments_are_closed_when_they_are_large(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path, RUN, 4 * SEGMENT_BYTES)
    line = b"x" * (SEGMENT_BYTES - 1) + b"\n"
    spool.append(line)
    spool.append(b"y\n")
    assert [path.name for path in spool.segments()] == ["00000001.jsonl"]
    spool.close_segment()
    spool.close_segment()
    assert [path.read_bytes() for path in spool.segments()] == [line, b"y\n"]


def test_the_limit_counts_what_is_there(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path, RUN, 100)
    spool.append(b"x" * 59 + b"\n")
    with pytest.raises(SpoolFull):
        spool.append(b"x" * 40 + b"\n")
    with pytest.raises(SpoolFull):
        spool.add_file(b"x" * 41)
    spool.close_segment()
    (segment,) = spool.segments()
    spool.remove(segment)
    name = spool.add_file(b"x" * 41)
    assert [path.name for path in spool.files()] == [name]
    spool.append(b"x" * 58 + b"\n")
    spool.release()
    with pytest.raises(SpoolFull):
        Spool(spool.folder, 99).append(b"x" * 42)


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool.create(tmp_path, RUN, MIB)
    spool.append(b"first\n")
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) < 5:
            raise OSError(28, "No space left on device")
        return write(descriptor, content[: len(content) - 3])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SpoolFull, match="No space left"):
        spool.append(b"second\n")
    monkeypatch.undo()
    spool.append(b"third\n")
    spool.close_segment()
    assert spool.segments()[0].read_bytes() == b"first\nthird\n"


def test_what_was_refused_stays(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path, RUN, MIB)
    spool.append(b"bad\n")
    spool.close_segment()
    spool.refuse(spool.segments()[0])
    spool.discard()
    assert (spool.folder / "00000001.refused").read_bytes() == b"bad\n"
    assert spools_in(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        Spool(spool.folder, MIB)
