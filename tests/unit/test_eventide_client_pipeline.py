"""``ingest/client/eventide_client/pipeline.py``: ``put`` waits no longer than it may, and what it took is written."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from eventide_client import backoff as backoffs
from eventide_client import pipeline as pipelines
from eventide_client.api import Unavailable
from eventide_client.delivery import Delivery
from eventide_client.pipeline import Pipeline
from eventide_client.spool import Spool
from tests.harness.api import until

RUN = {"id": "a" * 32}
BLOCK_SECONDS = 0.1


class NoServer(Delivery):
    """A delivery whose server is away."""

    def __init__(self) -> None:
        self.attempts = 0

    def send(self) -> None:
        self.attempts += 1
        raise Unavailable("away")


def segments(spool: Spool) -> bytes:
    spool.close_segment()
    return b"".join(path.read_bytes() for path in spool.segments())


def test_what_was_put_is_written_soon_and_in_order(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path, RUN, 1 << 20)
    pipeline = Pipeline(spool, NoServer(), BLOCK_SECONDS)
    for number in range(1000):
        pipeline.put(lambda number: b"%d\n" % number, number)
    assert pipeline.flush(10)
    assert segments(spool) == b"".join(b"%d\n" % number for number in range(1000))
    pipeline.put(lambda: b"last\n")
    assert not pipeline.close(5)
    assert segments(spool).endswith(b"last\n")
    ended = threading.Event()
    pipeline.after_end(ended.set)
    assert ended.wait(10)


def test_that_the_server_is_away_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipelines, "SEND_SECONDS", 0.01)
    monkeypatch.setattr(backoffs, "FIRST_SECONDS", 0.01)
    delivery = NoServer()
    pipeline = Pipeline(Spool.create(tmp_path, RUN, 1 << 20), delivery, BLOCK_SECONDS)
    until(lambda: delivery.attempts > 3)
    assert caplog.text.count("events wait in") == 1
    pipeline.close(5)


def test_a_call_that_cannot_be_encoded_takes_no_other_with_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool.create(tmp_path, RUN, 1 << 20)
    pipeline = Pipeline(spool, NoServer(), BLOCK_SECONDS)
    for encode in (lambda: b"a\n", lambda: 1 / 0, lambda: b"b\n"):
        pipeline.put(encode)  # type: ignore[arg-type]
    assert pipeline.flush(10)
    assert segments(spool) == b"a\nb\n"
    assert "a value cannot be logged" in caplog.text


def test_a_disk_that_hangs_holds_nobody_up_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "MAX_QUEUED", 10)
    spool, hangs, began = Spool.create(tmp_path, RUN, 1 << 20), threading.Event(), threading.Event()
    append = spool.append

    def hanging(lines: bytes) -> None:
        began.set()
        hangs.wait(60)
        append(lines)

    monkeypatch.setattr(spool, "append", hanging)
    pipeline = Pipeline(spool, NoServer(), BLOCK_SECONDS)
    pipeline.put(lambda: b"first\n")
    assert began.wait(10)
    for _ in range(10):
        pipeline.put(lambda: b"queued\n")
    waited = []
    for _ in range(50):
        at = time.monotonic()
        pipeline.put(lambda: b"dropped\n")
        waited.append(time.monotonic() - at)
    assert BLOCK_SECONDS <= waited[0] < BLOCK_SECONDS + 1
    assert sum(waited[1:]) < BLOCK_SECONDS + 1  # the first wait was the only one
    assert pipeline.dropped == 50
    assert not pipeline.flush(0.01)
    hangs.set()
    assert pipeline.flush(10)
    pipeline.put(lambda: b"after\n")
    assert pipeline.flush(10)
    assert segments(spool) == b"first\n" + b"queued\n" * 10 + b"after\n"


def test_what_the_spool_has_no_room_for_is_counted(tmp_path: Path) -> None:
    pipeline = Pipeline(Spool.create(tmp_path, RUN, 10), NoServer(), BLOCK_SECONDS)
    pipeline.put(lambda: b"twelve bytes\n")
    assert pipeline.flush(10)
    assert pipeline.dropped == 1
