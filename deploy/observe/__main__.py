"""Writes the dashboards' files: ``python -m deploy.observe``."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.observe.dashboards import DASHBOARDS
from deploy.observe.panels import Dashboard

DIRECTORY = Path(__file__).parent / "grafana" / "dashboards"


def text(dashboard: Dashboard) -> str:
    """Return what the file of a dashboard holds."""
    return json.dumps(dashboard.to_json(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        (DIRECTORY / f"{dashboard.name}.json").write_text(text(dashboard))


if __name__ == "__main__":
    main()
