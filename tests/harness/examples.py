"""Captured SDK traffic, replayed with the entity ids of this run."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.harness.api import JSON_LINES, Api

EXAMPLES = Path(__file__).parents[1] / "examples"
RUNS = tuple(sorted(file.stem for file in EXAMPLES.glob("*.jsonl")))
OVERWRITING = ("iter", "metric", "variant", "key")


@dataclass(frozen=True)
class Example:
    """The batches of one captured run."""

    name: str

    @cached_property
    def requests(self) -> list[dict[str, str]]:
        """Path and body of each request, in order."""
        return [json.loads(line) for line in (EXAMPLES / f"{self.name}.jsonl").read_text().splitlines()]

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """Every event of the run, in order."""
        return [json.loads(line) for request in self.requests for line in request["body"].splitlines()]

    @property
    def entities(self) -> dict[str, bool]:
        """The entity ids, and whether each is a model's."""
        return {event["task"]: bool(event.get("model_event")) for event in self.events}

    def stored(self, entity: str) -> Counter[str]:
        """How many events of each type an entity has in the end: all log lines, of others one for each identity."""
        own = [event for event in self.events if event["task"] == entity]
        identities = {
            (event["type"], place if event["type"] == "log" else tuple(event.get(name) for name in OVERWRITING))
            for place, event in enumerate(own)
        }
        return Counter(event_type for event_type, _ in identities)

    def replay(self, api: Api) -> dict[str, str]:
        """Send every batch as it was captured, for new entities; their ids by the captured ones."""
        ids = {old: api.create_model() if is_model else api.create_task() for old, is_model in self.entities.items()}
        for request in self.requests:
            body = renamed(request["body"], ids)
            url = api.origins.gateway + request["path"]
            response = api.ask(url, method="GET", content=body.encode(), headers={"Content-Type": JSON_LINES})
            count = len(body.splitlines())
            assert response.json()["data"] == {"added": count, "errors": 0, "errors_info": {}}, response.text
        return ids


def renamed(text: str, ids: dict[str, str]) -> str:
    """A text with one set of ids put for another."""
    for old, new in ids.items():
        text = text.replace(old, new)
    return text
