"""``eventide`` of the next schema version: ``python -m tests.faults.newer COMMAND …``. No other reads its records."""

from __future__ import annotations

from deploy.__main__ import main
from schema.events import blocks

if __name__ == "__main__":
    blocks.SCHEMA_VERSION += 1
    main()
