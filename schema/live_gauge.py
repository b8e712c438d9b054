"""A gauge that is computed when Prometheus asks: a sum over the living objects that it follows."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Owner = TypeVar("Owner")
Reading = tuple[tuple[str, ...], Callable[[Any], float]]  # the values of the labels, and what reads the number


class LiveGauge(Collector):
    """A gauge of what objects say of themselves, added up by labels; absent where it follows none.

    It keeps no object alive, and costs nothing between two scrapes: queues and pools need not tell each change.
    """

    def __init__(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> None:
        self.name, self.documentation, self.labels = name, documentation, labels
        self._lock = threading.Lock()
        self._followed: WeakKeyDictionary[Any, list[Reading]] = WeakKeyDictionary()
        REGISTRY.register(self)

    def follow(self, owner: Owner, read: Callable[[Owner], float], *labels: str) -> None:
        """Add an object. ``read`` returns its number, on the event loop; ``labels``: the values of the labels."""
        with self._lock:
            self._followed.setdefault(owner, []).append((labels, read))

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge without samples."""
        yield GaugeMetricFamily(self.name, self.documentation, labels=self.labels)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge as it is now."""
        with self._lock:
            followed = [(owner, labels, read) for owner, all_of in self._followed.items() for labels, read in all_of]
        sums: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for owner, labels, read in followed:
            sums[labels] += read(owner)
        (family,) = self.describe()
        for labels, value in sorted(sums.items()):
            family.add_metric(labels, value)
        yield family
