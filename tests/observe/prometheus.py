"""A Prometheus with the shipped rules, that scrapes the processes of a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from tests.harness.api import until
from tests.observe.programs import program
from tests.servers.process import Process, free_port

RULES = Path(__file__).parents[2] / "deploy" / "observe"
INTERVAL_SECONDS = 1

Series = list[dict[str, Any]]


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    origin: str

    def is_ready(self) -> bool:
        """Whether it listens yet, and answers."""
        try:
            return httpx.get(f"{self.origin}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def query(self, expression: str) -> Series:
        """The series that an expression gives now; it must be one."""
        return list(self._answer("query", query=expression)["result"])

    def metadata(self) -> set[str]:
        """The metrics that the scraped processes declare, with or without samples."""
        return {entry["metric"] for entry in self._answer("targets/metadata")}

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with their health."""
        return [rule for group in self._answer("rules")["groups"] for rule in group["rules"]]

    def _answer(self, call: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.origin}/api/v1/{call}", params=parameters, timeout=30).json()
        assert answer["status"] == "success", f"{parameters}: {answer.get('error')}"
        return answer["data"]


@contextmanager
def prometheus(directory: Path, targets: Mapping[str, list[str]]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes origins by job, once it has done so. Skips where there is none."""
    configuration = yaml.safe_load((RULES / "prometheus.yml").read_text())
    interval = f"{INTERVAL_SECONDS}s"
    configuration["global"] = {"scrape_interval": interval, "evaluation_interval": interval}
    configuration["rule_files"] = [str(RULES / file) for file in configuration["rule_files"]]
    configuration["scrape_configs"] = [
        {"job_name": job, "static_configs": [{"targets": [urlsplit(origin).netloc for origin in origins]}]}
        for job, origins in targets.items()
    ]
    del configuration["alerting"]
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    options = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={directory / 'data'}"]
    command = [program("prometheus"), f"--config.file={directory / 'prometheus.yml'}", *options]
    process = Process(command, directory / "prometheus.log")
    process.start()
    try:
        running = Prometheus(f"http://127.0.0.1:{port}")
        process.wait_until(running.is_ready, 30)
        expected = sum(map(len, targets.values()))
        until(lambda: len(running.query("up == 1")) == expected, seconds=30)
        yield running
    finally:
        process.terminate()
