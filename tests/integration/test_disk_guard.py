"""A full disk under chDB: writes are refused in time, and what was acknowledged outlives even a disk filled at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from schema.errors import EventsError, Unavailable
from schema.store import EmbeddedEngine, Store
from tests.servers.small_disk import fill, small_disk

CREATE = "CREATE TABLE t (seq UInt64, text String, INDEX i seq TYPE minmax) ENGINE = ReplacingMergeTree ORDER BY seq"
DISK_MB = 256  # of which a quick machine fills 100 with rows and the parts that they were merged from


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    try:
        with small_disk(tmp_path / "disk", DISK_MB) as made:
            yield made
    except PermissionError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def store(disk: Path) -> Iterator[Store]:
    made = Store(EmbeddedEngine(disk / "chdb"), readers=1)
    made.execute(CREATE)
    yield made
    made.close()


class Writer:
    """Inserts rows numbered from 0, deletes nothing that counts, and knows how many rows were acknowledged."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.acknowledged = 0
        self.refused = 0

    def insert(self, count: int) -> None:
        numbers = range(self.acknowledged, self.acknowledged + count)
        self._attempt(lambda: self._store.insert("t", rows(numbers)))
        self.acknowledged = numbers.stop

    def delete(self) -> None:
        self._attempt(lambda: self._store.execute("DELETE FROM t WHERE text = 'nowhere'"))

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Unavailable:
            self.refused += 1
            raise

    def run(self, ends: threading.Event, chance: random.Random) -> None:
        while not ends.wait(0.001):
            try:
                self.delete() if chance.random() < 0.2 else self.insert(chance.choice((1, 10, 3000)))
            except Unavailable:
                continue


def rows(numbers: range) -> pa.Table:
    return pa.table({"seq": pa.array(numbers, pa.uint64()), "text": [f"row {number}" for number in numbers]})


def stored(store: Store, writer: Writer) -> int:
    """Rows that are right, of those acknowledged; a refused one may be there too."""
    sql = "SELECT count() AS n FROM t FINAL WHERE text = concat('row ', toString(seq)) AND seq < {end:UInt64}"
    return int(store.select(sql, {"end": writer.acknowledged})[0]["n"])


def test_nothing_is_written_without_room_and_all_goes_on_with_it(store: Store, disk: Path) -> None:
    writer, ballast = Writer(store), disk / "ballast"
    writer.insert(10)
    ballast.write_bytes(bytes((DISK_MB - 4) << 20))
    writes: list[Callable[[], None]] = [lambda: writer.insert(10), writer.delete]
    for write in writes:
        with pytest.raises(Unavailable, match="MiB are free"):
            write()
    assert stored(store, writer) == 10
    ballast.unlink()
    writer.insert(10)
    assert stored(store, writer) == writer.acknowledged == 20


def test_what_was_acknowledged_outlives_a_disk_that_is_filled_at_once(store: Store, disk: Path) -> None:
    """A disk that is full in the midst of merges breaks parts; they are made whole again from those before."""
    chance, writer, ballast = random.Random(7), Writer(store), disk / "ballast"
    for _ in range(8):
        ends = threading.Event()
        thread = threading.Thread(target=writer.run, args=(ends, chance))
        thread.start()
        ends.wait(chance.uniform(0.1, 0.4))
        fill(ballast, mb_per_second=10_000)
        ends.wait(0.3)
        ballast.unlink()
        ends.set()
        thread.join()
        insert_again(writer)
        assert stored(store, writer) == writer.acknowledged
    assert writer.refused


def insert_again(writer: Writer) -> None:
    for _ in range(10):
        try:
            return writer.insert(1)
        except EventsError as error:
            last = error
    raise last
