"""Arrow bodies, mutated at random: the reader refuses or takes each, within bounds of time and memory.

A process of its own, since a defect of Arrow's could end it: ``python -m tests.fuzz.arrow --seconds 60 --seed 7``.
"""

from __future__ import annotations

import argparse
import random
import struct
import time
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from ingest.parsing.arrow_stream import read_columns
from schema.errors import RequestError
from schema.events.normalize import ParseContext
from tests.harness.peak_memory import peak_mebibytes

MAX_SECONDS = 5.0  # of a processor, for one body
MAX_MEBIBYTES = 1500  # of the process
CONTEXT = ParseContext(now_ms=1_700_000_000_000)
INTEGERS = (0, 1, -1, 7, 255, 65_535, 2**31 - 1, -(2**31), 2**32 - 1, 50_000_000)
LONG_INTEGERS = (0, 1, -1, 2**31, 2**40, 2**62, -(2**63), 50_000_000, 128 << 20)


def seeds() -> Iterator[bytes]:
    """Streams of every kind that is taken, plain and compressed, in one batch and in several."""
    names = {"type": ["training_stats_scalar"] * 4, "task": ["t"] * 4, "iter": [1, 2, 3, 4]}
    scalars = pa.table(names | {"value": [0.5, 1.0, None, 2.0]})
    logs = pa.table({"type": ["log"] * 4, "task": ["t"] * 4, "msg": ["a", "é", None, "d" * 99]})
    nested = pa.table(
        {
            **names,
            "value": pa.array([[1.0], [], None, [2.0, 3.0]]),
            "deep": pa.array([[[1]], [[], [2]], None, []]),
            "fields": pa.array([{"a": 1, "b": [None]}, None, {"a": 2, "b": []}, {"a": None, "b": None}]),
            "none": pa.nulls(4),
            "fixed": pa.array([[1, 2]] * 4, pa.list_(pa.int64(), 2)),
            "nulls": pa.FixedSizeListArray.from_arrays(pa.nulls(12), 3),
            "time": pa.array([1, 2, 3, 4], pa.timestamp("ns", "UTC")),
        }
    )
    encoded = pa.table([c.combine_chunks().dictionary_encode() for c in logs.columns], logs.column_names)
    for table in (scalars, logs, nested, encoded):
        for compression in (None, "zstd", "lz4"):
            yield stream_of(table, compression, 4)
            yield stream_of(table, compression, 1)


def stream_of(table: pa.Table, compression: str | None, rows: int) -> bytes:
    """A table as the body of a request, so many rows a batch."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as out:
        out.write_table(table, max_chunksize=rows)
    body: bytes = sink.getvalue().to_pybytes()
    return body


def mutated(source: random.Random, body: bytes) -> bytes:
    """A body with a few places changed: bytes, numbers, cuts and repetitions."""
    changed = bytearray(body or b"\0")
    for _ in range(source.choice((1, 1, 1, 2, 4, 8))):
        place = source.randrange(len(changed) or 1)
        match source.randrange(6):
            case 0:
                changed[place : place + 1] = source.randbytes(1)
            case 1:
                changed[place & ~3 : (place & ~3) + 4] = struct.pack("<I", source.choice(INTEGERS) % 2**32)
            case 2:
                changed[place & ~7 : (place & ~7) + 8] = struct.pack("<Q", source.choice(LONG_INTEGERS) % 2**64)
            case 3:
                changed = changed[: source.randrange(len(changed) + 1)] if source.random() < 0.2 else changed
            case 4:
                changed[place & ~7 : place & ~7] = changed[place & ~7 : (place & ~7) + 8 * source.randrange(64)]
            case _:
                changed[place] ^= 1 << source.randrange(8)
        if not changed:
            break
    return bytes(changed)


def outcome_of(body: bytes) -> str:
    """What became of a body: the name of its error, or that it was taken."""
    try:
        return f"taken: {bool(read_columns(body, CONTEXT).columns)}"
    except RequestError as error:
        return type(error).__name__


def run(seed: int, seconds: float) -> None:
    """Feed the reader until the time is over. Ends with an AssertionError at the first body beyond the bounds."""
    source, outcomes = random.Random(seed), Counter[str]()
    bodies, slowest, until = list(seeds()), 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        body = mutated(source, source.choice(bodies))
        started = time.thread_time()
        try:
            outcomes[outcome_of(body)] += 1
        except BaseException:
            print(f"seed {seed}: {body.hex()}", flush=True)
            raise
        slowest = max(slowest, time.thread_time() - started)
        mebibytes = peak_mebibytes()
        assert slowest < MAX_SECONDS, f"seed {seed}: {slowest:.1f} s for {body.hex()}"
        assert mebibytes < MAX_MEBIBYTES, f"seed {seed}: {mebibytes} MiB after {body.hex()}"
    print(f"seed {seed}: {outcomes.total()} bodies, slowest {slowest:.3f} s, {mebibytes} MiB: {dict(outcomes)}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    run(arguments.seed, arguments.seconds)


if __name__ == "__main__":
    main()
