"""kubectl and helm, as an operator of one cluster uses them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.chart.render import CHART, Document, Values

COMMAND_SECONDS = 900


class Failed(Exception):
    """A command that did not succeed; carries what it printed."""


@dataclass(frozen=True)
class Cluster:
    """Who talks to one API server. ``namespace``: where the release is."""

    kubeconfig: Path
    kubectl_program: Path
    helm_program: Path
    namespace: str = "ml"

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """What a kubectl command prints, warnings too. Raises Failed."""
        return self._run([str(self.kubectl_program), "--namespace", self.namespace, *arguments], text)

    def helm(self, *arguments: str, values: Values | None = None) -> str:
        """What a helm command prints; values are given by its standard input. Raises Failed."""
        given = ["--values", "-"] if values is not None else []
        return self._run(
            [str(self.helm_program), "--namespace", self.namespace, *arguments, *given], json.dumps(values)
        )

    def install(self, *options: str, values: Values, release: str = "prod") -> str:
        """Install or upgrade a release of the chart. Raises Failed."""
        return self.helm("upgrade", "--install", release, str(CHART), *options, values=values)

    def apply(self, *documents: Document) -> None:
        """Make objects, or change them. Raises Failed."""
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(documents))

    def get(self, *arguments: str) -> Any:
        """An object, or the list of some. Raises Failed."""
        found = json.loads(self.kubectl("get", "-o", "json", *arguments))
        return found.get("items", found)

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 240) -> None:
        """Wait for something. Raises Failed, with the pods."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"not {what} after {seconds:.0f} s:\n{self.kubectl('get', 'pods', '-o', 'wide')}")
            time.sleep(0.5)

    def _run(self, command: list[str], text: str) -> str:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run(
            command, input=text, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-6000:]}")
        return done.stdout + "".join(line for line in done.stderr.splitlines(keepends=True) if "walk.go" not in line)
