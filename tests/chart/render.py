"""The chart, rendered by helm without a cluster."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.servers.choice import give_up
from tests.servers.go_programs import helm as helm_program
from tests.servers.process import Unavailable

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "eventide"
RELEASE, NAMESPACE = "prod", "ml"
KUBERNETES = "--kube-version", "1.34"  # a helm that was built by `go install` knows of none
# What nobody can guess for somebody who installs the tiers.
SERVICES: dict[str, Any] = {
    "kafka": {"bootstrap": "kafka-0.kafka:9092,kafka-1.kafka:9092"},
    "secrets": {
        "clickhouseUrl": {"value": "http://eventide:word@clickhouse:8123/eventide"},
        "registryUrl": {"value": "postgresql://eventide:word@postgres/eventide"},
    },
}
Values = dict[str, Any]
Document = dict[str, Any]


def find_helm() -> Helm:
    """The helm of this machine, or one that is built. Skips where there is neither; in CI that fails."""
    try:
        return Helm(helm_program())
    except Unavailable as error:
        give_up(error)


class Refused(Exception):
    """helm does not render these values; says why."""


@dataclass(frozen=True)
class Helm:
    """The program. ``rendered``: what it made of values before, as many tests look at the same."""

    program: Path
    rendered: dict[str, list[Document]] = field(default_factory=dict)

    def render(self, *values: Values, services: bool = True) -> Rendered:
        """The objects of a release with these values, the later ones on top. Raises Refused."""
        merged = merge(*([SERVICES] if services else []), *values)
        key = json.dumps(merged, sort_keys=True)
        if key not in self.rendered:
            self.rendered[key] = self._render(key)
        return Rendered(self.rendered[key])

    def run(self, *arguments: str, text: str = "") -> str:
        """What a helm command prints. Raises Refused."""
        done = subprocess.run(
            [self.program, *arguments], input=text, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise Refused(done.stdout + done.stderr)
        return done.stdout

    def _render(self, values: str) -> list[Document]:
        where = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, *KUBERNETES, "--values", "-"]
        return [document for document in yaml.safe_load_all(self.run(*where, text=values)) if document]


@dataclass(frozen=True)
class Rendered:
    """The objects of one release."""

    documents: list[Document]

    def of_kind(self, kind: str) -> dict[str, Document]:
        """The objects of a kind, by name without the release's."""
        found = [document for document in self.documents if document["kind"] == kind]
        return {
            document["metadata"]["name"].removeprefix(f"{RELEASE}-eventide").lstrip("-"): document for document in found
        }

    def pods(self) -> dict[str, Document]:
        """The pod templates, by tier."""
        kinds = ("Deployment", "StatefulSet", "Job")
        return {name: one["spec"]["template"] for kind in kinds for name, one in self.of_kind(kind).items()}

    def everywhere(self) -> dict[str, Document]:
        """These, and the one pod of ``helm test``."""
        return {**self.pods(), **self.of_kind("Pod")}

    def container(self, tier: str) -> Document:
        """The one container of a tier's pods."""
        (container,) = self.pods()[tier]["spec"]["containers"]
        found: Document = container
        return found

    def environment(self, tier: str) -> dict[str, str]:
        """The environment of a tier."""
        return {entry["name"]: entry["value"] for entry in self.container(tier).get("env", ())}

    def secret_files(self, tier: str) -> dict[str, str]:
        """What the volume of a tier's secrets takes from other people's Secrets: "secret/key" by file."""
        volumes = self.pods()[tier]["spec"]["volumes"]
        sources = [source for one in volumes if one["name"] == "secrets" for source in one["projected"]["sources"]]
        return {
            item["path"]: f"{source['secret']['name']}/{item['key']}"
            for source in sources
            for item in source.get("secret", {}).get("items", ())
        }


def merge(*values: Values) -> Values:
    """Values on top of one another, as helm merges them."""
    merged: Values = {}
    for one in values:
        for name, value in one.items():
            below = merged.get(name)
            merged[name] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
