"""Dashboards as tables of panels, and the JSON that Grafana reads of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLUMNS = 24  # of Grafana's grid
HEIGHT = 8
SCHEMA_VERSION = 39
SOURCE = {"type": "prometheus", "uid": "${source}"}
OURS = 'job=~"$job", instance=~"$instance"'  # the processes that are chosen at the top of a dashboard
# Descriptions that several panels have.
LATE = "Time from the gateway's receipt to readable rows; the objective is 99 % within 5 s."
NOT_APPLIED = "As gateways see it, also when no worker is left; a gap while Kafka is away."

Json = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """An expression of PromQL, and the name of each of its lines."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A panel. ``unit``: as Grafana names it. ``kind``: ``timeseries``, ``stat``, ``table``. ``top``: of the axis."""

    title: str
    unit: str
    queries: Sequence[Query]
    description: str = ""
    kind: str = "timeseries"
    width: int = 8
    top: float | None = None


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard. ``name``: of its file, and the end of its uid."""

    name: str
    title: str
    description: str
    rows: Sequence[Row]

    @property
    def panels(self) -> Iterator[Panel]:
        """All panels, in order."""
        return (panel for row in self.rows for panel in row.panels)

    def to_json(self) -> Json:
        """Return the dashboard as Grafana reads it."""
        return {
            "uid": f"eventide-{self.name}",
            "title": f"Eventide / {self.title}",
            "description": self.description,
            "tags": ["eventide"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"},
            "links": [_LINKS],
            "templating": {"list": [_SOURCE, _variable("job", ""), _variable("instance", 'job=~"$job"')]},
            "panels": list(_placed(self.rows)),
        }


def quantiles(metric: str, by: str = "", condition: str = OURS) -> list[Query]:
    """Return the queries of the 50th and 99th percentile of a histogram. ``by``: labels that tell lines apart."""
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", ") if label)
    return [
        Query(
            f"histogram_quantile({quantile}, sum by (le{f', {by}' if by else ''}) "
            f"(rate({metric}_bucket{{{condition}}}[$__rate_interval])))",
            f"p{quantile * 100:g} {legend}".strip(),
        )
        for quantile in (0.5, 0.99)
    ]


def rate(metric: str, by: str, condition: str = OURS) -> Query:
    """Return the query of a counter's rate, summed by labels."""
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return Query(f"sum by ({by}) (rate({metric}{{{condition}}}[$__rate_interval]))", legend)


_LINKS = {
    "title": "Eventide",
    "type": "dashboards",
    "tags": ["eventide"],
    "asDropdown": True,
    "includeVars": True,
    "keepTime": True,
}
_SOURCE = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(label: str, condition: str) -> Json:
    query = f"label_values(eventide_build_info{{{condition}}}, {label})"
    chosen = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {
        "name": label,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": chosen,
        "sort": 1,
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Yield headings and panels with their numbers and places, from the left to the right and downwards."""
    number = y = 0
    for row in rows:
        number += 1
        yield {"id": number, "type": "row", "title": row.title, "gridPos": _place(0, y, COLUMNS, 1), "panels": []}
        x, y = 0, y + 1
        for panel in row.panels:
            number += 1
            if x + panel.width > COLUMNS:
                x, y = 0, y + HEIGHT
            yield _panel(panel, number) | {"gridPos": _place(x, y, panel.width, HEIGHT)}
            x += panel.width
        y += HEIGHT


def _place(x: int, y: int, width: int, height: int) -> Mapping[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Panel, number: int) -> Json:
    limits: Json = {"min": 0} if panel.top is None else {"min": 0, "max": panel.top}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit} | limits, "overrides": []},
        "options": _options(panel.kind),
        "targets": [_target(query, place, panel.kind) for place, query in enumerate(panel.queries)],
    }


def _options(kind: str) -> Json:
    if kind == "timeseries":
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "value_and_name",
        }
    return {"showHeader": True}


def _target(query: Query, place: int, kind: str) -> Json:
    is_now = kind != "timeseries"
    return {
        "refId": chr(ord("A") + place),
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
        "instant": is_now,
        "range": not is_now,
        "format": "table" if kind == "table" else "time_series",
    }
