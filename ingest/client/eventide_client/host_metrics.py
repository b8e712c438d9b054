"""What the machine does meanwhile, reported every ten seconds as ``:monitor:machine`` and ``:monitor:gpu``.

Its steps are seconds since the run started, as ClearML's SDK has them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from eventide_client.gpu_metrics import Gpus

SECONDS = 10.0
MACHINE, GPU = ":monitor:machine", ":monitor:gpu"
GB = 1 << 30


class HostMonitor:
    """A thread that reports until it is stopped.

    ``report``: takes values by key, and the seconds since the start. ``is_named``: variants bear the host's name, as
    other machines of the run report too.
    """

    def __init__(self, report: Callable[[Mapping[str, float], int], None], *, is_named: bool) -> None:
        self._report_values = report
        self._ending = f" ({os.uname().nodename})" if is_named else ""
        self._began = time.monotonic()
        self._stopped = threading.Event()
        threading.Thread(target=self._report, name="eventide-monitor", daemon=True).start()

    def stop(self) -> None:
        """Let it end; it does not report again."""
        self._stopped.set()

    def _report(self) -> None:
        host, gpus = Host(), Gpus()
        while not self._stopped.wait(SECONDS):
            values = {**self._named(MACHINE, host.read()), **self._named(GPU, gpus.read())}
            self._report_values(values, int(time.monotonic() - self._began))

    def _named(self, metric: str, values: Mapping[str, float]) -> dict[str, float]:
        return {f"{metric}/{variant}{self._ending}": value for variant, value in values.items()}


class Host:
    """Readings of this machine and process, from Linux's ``/proc``; elsewhere only the disk's."""

    def __init__(self) -> None:
        self._ticks = _cpu_ticks()
        self._network = _network_bytes(), time.monotonic()

    def read(self) -> dict[str, float]:
        """Return what can be read, since the last reading where that is a rate."""
        return {**self._cpu(), **_memory(), **self._rates(), **_disk()}

    def _cpu(self) -> dict[str, float]:
        before, self._ticks = self._ticks, _cpu_ticks()
        total, idle = (now - then for now, then in zip(self._ticks, before))
        return {"cpu_usage": 100 * (1 - idle / total)} if total else {}

    def _rates(self) -> dict[str, float]:
        (before, then), self._network = self._network, (_network_bytes(), time.monotonic())
        now, at = self._network
        names = ("network_rx_mbs", "network_tx_mbs")
        return {name: (new - old) / (1 << 20) / (at - then) for name, new, old in zip(names, now, before)}


def _cpu_ticks() -> tuple[int, int]:
    """Return all ticks of all processors, and the idle ones; zeros where that cannot be told."""
    with suppress(OSError):
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(ticks), ticks[3] + ticks[4]
    return 0, 0


def _memory() -> dict[str, float]:
    with suppress(OSError):
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        kilobytes = {words[0]: int(words[1]) for words in lines}
        used = kilobytes["MemTotal:"] - kilobytes["MemAvailable:"]
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        free = kilobytes["MemAvailable:"] / (1 << 20)
        return {"memory_used_gb": used / (1 << 20), "memory_free_gb": free, "process_memory_gb": resident / GB}
    return {}


def _network_bytes() -> tuple[int, int]:
    """Return bytes received and sent by all interfaces but the loopback."""
    received = sent = 0
    with suppress(OSError):
        for line in Path("/proc/net/dev").read_text().splitlines()[2:]:
            name, _, words = line.partition(":")
            if name.strip() != "lo":
                received, sent = received + int(words.split()[0]), sent + int(words.split()[8])
    return received, sent


def _disk() -> dict[str, float]:
    with suppress(OSError):
        space = os.statvfs(".")
        return {"disk_free_gb": space.f_bavail * space.f_frsize / GB}
    return {}
