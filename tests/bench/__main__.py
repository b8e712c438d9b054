"""``make bench``: every figure of docs/performance.md, on this machine, in one run.

``ONLY=writes,reads`` chooses families, ``SCALE=0.1`` makes all of it smaller. Progress comes as it goes, then a table;
the figures are also in bench-results.json.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import (
    adapters,
    bands,
    client,
    export,
    fairness,
    floors,
    growth,
    mixed,
    page,
    reads,
    registry,
    stored,
    tiers,
    wide,
    writes,
)
from tests.bench.bench import Bench
from tests.bench.measure import Figure, Results

FAMILIES = {
    "writes": writes.measure,
    "reads": reads.measure,
    "stored": stored.measure,
    "mixed": mixed.measure,
    "tiers": tiers.measure,
    "registry": registry.measure,
    "page": page.measure,
    "wide": wide.measure,
    "bands": bands.measure,
    "growth": growth.measure,
    "fairness": fairness.measure,
    "client": client.measure,
    "adapters": adapters.measure,
    "export": export.measure,
}
OUTPUT = Path("bench-results.json")


def main() -> None:
    """Measure what is asked for."""
    wanted = [name for name in os.environ.get("ONLY", "").split(",") if name] or list(FAMILIES)
    if unknown := set(wanted) - FAMILIES.keys():
        sys.exit(f"ONLY names {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}")
    started, results = time.monotonic(), Results()
    with TemporaryDirectory(prefix="eventide-bench-") as directory:
        raw = floors.measure(Path(directory))
    for what, value in vars(raw).items():
        results.add(Figure(f"floor: {what}", value, "rows/s"))
    for name in wanted:
        print(f"--- {name}, after {time.monotonic() - started:.0f} s", flush=True)
        FAMILIES[name](Bench(results, raw, float(os.environ.get("SCALE", "1"))))
    print(f"\n{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n\n{results.table()}")
    OUTPUT.write_text(json.dumps(results.as_json(), indent=1) + "\n")


if __name__ == "__main__":
    main()
