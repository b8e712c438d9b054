"""What reads bytes of strangers, fed by a fuzzer that follows their coverage: it refuses or takes them, within bounds.

atheris (libFuzzer for Python) has wheels for Linux on x86-64 alone; elsewhere the same examples are mutated at random,
without looking at coverage. A process of its own, since a defect of a C library could end it:
``python -m tests.fuzz.parsers --seconds 60 --seed 7``.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from tests.harness.peak_memory import peak_mebibytes

MAX_SECONDS = 10  # for one input
MAX_MEBIBYTES = 2500  # of the process
MAX_BYTES = 1 << 16  # of an input
INSTRUMENTED = ["schema", "ingest", "query"]


def follow_coverage(seed: int, seconds: float, directory: Path) -> None:
    """Run atheris, which ends the process: with 0 when the time is over, or at the first input that breaks a bound."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.parser_table import examples, parse

    for number, example in enumerate(examples()):
        (directory / str(number)).write_bytes(example)
    options = {
        "seed": seed % 2**32,
        "max_total_time": round(seconds),
        "timeout": MAX_SECONDS,
        "rss_limit_mb": MAX_MEBIBYTES + inherited_mebibytes(),
        "max_len": MAX_BYTES,
        "print_final_stats": 1,
        "artifact_prefix": f"{directory}/",
    }
    atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(directory)], parse)
    atheris.Fuzz()


def inherited_mebibytes() -> int:
    """Return the parent's peak, with which libFuzzer's measure of this process begins (``ru_maxrss`` outlives exec)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def mutate(seed: int, seconds: float) -> None:
    """Feed mutated examples until the time is over. Ends with an AssertionError at the first beyond the bounds."""
    from tests.fuzz.arrow import mutated
    from tests.fuzz.parser_table import examples, parse

    source, inputs, count = random.Random(seed), list(examples()), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        given = mutated(source, source.choice(inputs))[:MAX_BYTES]
        started = time.thread_time()
        try:
            parse(given)
        except BaseException:
            print(f"seed {seed}: {given.hex()}", flush=True)
            raise
        assert time.thread_time() - started < MAX_SECONDS, f"seed {seed}: {given.hex()}"
        mebibytes = peak_mebibytes()
        assert mebibytes < MAX_MEBIBYTES, f"seed {seed}: {mebibytes} MiB after {given.hex()}"
        count += 1
    print(f"seed {seed}: {count} inputs, without coverage")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--without-coverage", action="store_true")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    if find_spec("atheris") and not arguments.without_coverage:
        with tempfile.TemporaryDirectory() as directory:
            follow_coverage(arguments.seed, arguments.seconds, Path(directory))
    else:
        mutate(arguments.seed, arguments.seconds)


if __name__ == "__main__":
    main()
