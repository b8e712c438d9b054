"""``python -m tests.faults [--seed N] [--only worker,kafka.all_away] [--runs N] [--short]``: see ``run``."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.outcome import Outcome
from tests.faults.run import FAMILIES, Runner, as_json, named, table
from tests.faults.scenario import Scale
from tests.faults.system import servers


def main() -> None:
    """Run, print the table, exit with 1 if anything was lost, twice or wrong."""
    parser = argparse.ArgumentParser(description="Faults, and what came of them")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(1_000_000), help="of an earlier run, to repeat it"
    )
    parser.add_argument(
        "--only", default=",".join(FAMILIES), help=f"families or single faults (worker.hole), of {','.join(FAMILIES)}"
    )
    parser.add_argument("--runs", type=int, default=1000, help="at most so many runs of each fault")
    parser.add_argument("--short", action="store_true", help="as short as in `make test`")
    parser.add_argument("--json", type=Path, help="file for all that was measured")
    options = parser.parse_args()
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # both end in the table, in the background too
        signal.signal(number, signal.default_int_handler)
    print(f"SEED={options.seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="eventide-faults-") as directory, servers(Path(directory)) as shared:
        runner = Runner(shared, options.seed, Scale(options.short), options.runs)
        sys.exit(report(runner.run(named(options.only.split(","))), options.seed, options.json))


def report(running: Iterator[Outcome], seed: int, file: Path | None) -> int:
    """Print the table, also of a run that is interrupted; the exit code."""
    outcomes: list[Outcome] = []
    try:
        for outcome in running:
            outcomes.append(outcome)
    finally:
        print(table(outcomes), flush=True)
        if file:
            file.write_text(as_json(outcomes, seed))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    main()
