"""Runs scripts that use the ClearML SDK as their authors would: each a process of its own, with a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.deployment import Deployment

SCRIPTS = Path(__file__).parent / "sdk_scripts"
SECONDS = 200  # of one script, beside two dozen others on two cores
ATTEMPTS = 2  # one of about 150 runs of the SDK hangs in close(), whatever the server does
AT_ONCE = 6
RESULT = "RESULT "


@dataclass(frozen=True)
class Run:
    """What a script left. ``result``: what it printed behind RESULT, as JSON."""

    exit_code: int
    output: str
    result: Any

    def check(self) -> Any:
        """The result of a script that ended well."""
        assert self.exit_code == 0, self.output[-6000:]
        return self.result


@dataclass
class Sdk:
    """Where scripts run, and against what."""

    deployment: Deployment
    directory: Path
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE))
    started: dict[str, Future[Any]] = field(default_factory=dict)

    def start(self, key: str, work: Callable[[], Any]) -> None:
        """Begin some work beside others'; ``wait`` for it by its key."""
        self.started[key] = self.pool.submit(work)

    def wait(self, key: str) -> Any:
        """The result of work that was started."""
        return self.started[key].result()

    def run(
        self,
        name: str,
        *arguments: str,
        home: str | None = None,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> Any:
        """The result of a script. ``home``: shared by runs that name the same. ``environment``: what is different."""
        directory = self.directory / (home or " ".join((name, *arguments)))
        own = self.environment(directory) | dict(environment or {})
        return self._attempt(directory, own, name, [python, f"{name}.py", *arguments]).check()

    def _attempt(self, directory: Path, environment: Mapping[str, str], name: str, command: list[str]) -> Run:
        """Run a script to its end, a second time if it hangs."""
        directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(ATTEMPTS):
            try:
                for script in (name, "say"):  # out of this repository, of which the SDK would make a study
                    shutil.copy(SCRIPTS / f"{script}.py", directory)
                return self._run(directory, environment, command)
            except subprocess.TimeoutExpired as error:
                if attempt == ATTEMPTS - 1:
                    output = (error.stdout or b"").decode(errors="replace")
                    return Run(-1, f"{output}\nnot done after {SECONDS} s", None)
        raise AssertionError

    def _run(self, directory: Path, environment: Mapping[str, str], command: list[str]) -> Run:
        done = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        results = [line.removeprefix(RESULT) for line in output.splitlines() if line.startswith(RESULT)]
        return Run(done.returncode, output, json.loads(results[-1]) if results else None)

    def environment(self, directory: Path) -> dict[str, str]:
        """This process's environment, with a home and the addresses of the deployment."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARML_", "EVENTIDE_"))}
        return own | {
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(directory),
            "CLEARML_API_HOST": self.deployment.origins.gateway,
            "CLEARML_WEB_HOST": "http://127.0.0.1:8080",
            "CLEARML_FILES_HOST": self.deployment.files,
            "CLEARML_API_ACCESS_KEY": self.deployment.credentials.access_key,
            "CLEARML_API_SECRET_KEY": self.deployment.credentials.secret_key,
            "CLEARML_SUPPRESS_UPDATE_MESSAGE": "1",
            "https_proxy": "http://127.0.0.1:9",  # the SDK looks for news of itself
            "no_proxy": "127.0.0.1",
        }

    def close(self) -> None:
        """Wait for what is running."""
        self.pool.shutdown()
