"""``docs/metrics.md`` lists every Prometheus metric once, as it is declared."""

from __future__ import annotations

import re

from prometheus_client import REGISTRY

from schema import metrics
from schema.live_gauge import LiveGauge
from tests.unit.docs.documents import ROOT

ROW = re.compile(r"^\| `(eventide_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", re.MULTILINE)
ENDINGS = {"counter": "_total", "info": "_info"}
CACHE_LABELS = ("cache",)
Row = tuple[str, str, str, str]


def declared() -> set[Row]:
    """Name, type, labels and meaning of all metrics of ours."""
    labels = {metric.name: metric.labels for metric in vars(metrics).values() if isinstance(metric, LiveGauge)}
    labels |= {metric._name: metric._labelnames for metric in vars(metrics).values() if hasattr(metric, "_labelnames")}
    ours = [family for family in REGISTRY.collect() if family.name.startswith("eventide_")]
    return {
        (
            family.name + ENDINGS.get(family.type, ""),
            family.type,
            ", ".join(f"`{label}`" for label in labels.get(family.name, CACHE_LABELS)),
            family.documentation,
        )
        for family in ours
        if not family.name.startswith("eventide_unit_test_")
    }


def test_every_metric_is_listed_once_as_it_is_declared() -> None:
    rows = ROW.findall((ROOT / "docs" / "metrics.md").read_text())
    assert len(rows) == len({name for name, *_ in rows})
    assert set(rows) ^ declared() == set()
