"""``eventide`` whose Faust loses fetched records of a partition, once: ``python -m tests.faults.holed COMMAND …``."""

from __future__ import annotations

from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from deploy.__main__ import main

KEPT, LOST = 3, 4  # records of a fetch, before the hole and in it
fetch = AIOKafkaConsumerThread._fetch_records
lost: list[int] = []


async def fetch_with_a_hole(self: Any, *arguments: Any, **options: Any) -> Any:
    """What was fetched; of the first partition with enough records, some are missing in the middle."""
    found = await fetch(self, *arguments, **options)
    for tp, records in found.items():
        if not lost and len(records) > KEPT + LOST:
            lost.extend(record.offset for record in records[KEPT : KEPT + LOST])
            del records[KEPT : KEPT + LOST]
            print(f"\nhole {tp.partition} {lost[0]}", flush=True)  # Faust leaves the cursor somewhere in the line
    return found


if __name__ == "__main__":
    AIOKafkaConsumerThread._fetch_records = fetch_with_a_hole  # type: ignore[method-assign]
    main()
