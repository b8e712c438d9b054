"""Kafka's classes as the JVM keeps them between runs: a broker then starts with half the CPU.

Java writes such an archive when a program ends in order, so the first cluster of a machine is preceded by a broker that
only starts and ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

Record = Callable[[list[str]], None]


def shared_classes(java: str, jars: Sequence[Path], record: Record) -> list[str]:
    """The JVM's options to use the archive, which is made in the jars' cache if there is none; none if Java makes none.

    ``record`` runs a broker with the options that it is given, and ends it in order.
    """
    archive = jars[0].parent.with_name(f"kafka-classes-{_key(java, jars)}.jsa")
    with archive.with_name("kafka-classes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            _make(archive, record)
    return [f"-XX:SharedArchiveFile={archive}"] if archive.stat().st_size else []


def _key(java: str, jars: Sequence[Path]) -> str:
    """Another one for another Java or other jars, for which Java would refuse the archive."""
    program = Path(java).resolve()
    return f"{crc32(f'{program} {[file.stat().st_mtime_ns for file in (program, *jars)]}'.encode()):08x}"


def _make(archive: Path, record: Record) -> None:
    made = archive.with_suffix(f".{os.getpid()}")
    record([f"-XX:ArchiveClassesAtExit={made}"])
    made.touch()  # an empty one says that Java has written none
    os.replace(made, archive)
