"""The command ``eventide mcp``: tools by which agents read runs, and change nothing (Model Context Protocol).

The only module that knows the ``mcp`` library, which ``pip install eventide[mcp]`` brings.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.client_connection import client_configuration
from deploy.runs.digest_table import MAX_ROWS, digest_table
from deploy.runs.reader import COLUMNS, RunReader
from eventide_client.api import Api, Refused, Unavailable
from schema.build import build
from schema.errors import ConfigError, EventsError
from schema.settings import Settings

try:
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.types import ToolAnnotations
except ImportError as missing:
    raise ConfigError("`eventide mcp` needs the mcp library: pip install 'eventide[mcp]'") from missing

READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
MAX_LOG_LINES = 500
INSTRUCTIONS = """Training runs in Eventide, read-only. A run is named by its id or the last 8 characters of it.
Begin with find_runs; digest_runs tells of one curve (metric/variant) of up to 50 runs what is odd, show_run all of one.
Filters: loss.val < 0.3 and lr in (0.1, 0.01) and tag = "baseline" and status = running and updated > 2026-11-01"""


class Tools:
    """The tools; one call at a time, over one connection."""

    def __init__(self, runs: RunReader) -> None:
        self._runs = runs
        self._lock = threading.Lock()

    def find_runs(
        self, filter: str = "", project: str = "", columns: list[str] | None = None, order_by: str = "", limit: int = 50
    ) -> dict[str, Any]:
        """List runs, the newest first. Columns: name, project, status, user, tags, created, updated, duration,
        iteration, comment, hyper-parameters (lr, param.Args.lr), values (loss.val, loss.val.min, .max, .first).
        order_by: a column, -column for descending."""
        with self._reading() as runs:
            return runs.find(filter, project, columns or COLUMNS, order_by, limit)

    def show_run(self, run: str, metric: str = "") -> dict[str, Any]:
        """Show one run: status, hyper-parameters, values, refused points (NaN, infinities), and the digest of each
        curve (50 at most; metric: only those in whose metric/variant it is): exact ends and extremes with their
        steps, trend, spikes, plateau, turn, change points, gaps, and findings in words."""
        with self._reading() as runs:
            return runs.show(run, metric)

    def digest_runs(self, metric: str, runs: list[str] | None = None, filter: str = "", project: str = "") -> str:
        """Tell of one curve, metric/variant, of up to 50 runs: last value, extremes with their steps, and what is odd
        (diverged, turned, silent, gap, spikes, plateau, negative; @ is the step). Runs by ids, or by a filter."""
        with self._reading() as reader:
            found = [] if runs else reader.find(filter, project, ["name"], limit=MAX_ROWS)["runs"]
            ids = runs or [run["id"] for run in found]
            return digest_table(reader.digests(ids[:MAX_ROWS], metric))

    def compare_runs(self, runs: list[str], only_differences: bool = True) -> dict[str, Any]:
        """Compare runs: hyper-parameters and values side by side, in the order of the runs; null: has none."""
        with self._reading() as reader:
            return reader.compare(runs, only_differences)

    def read_log(self, run: str, lines: int = 100, search: str = "", before: int = 0) -> dict[str, Any]:
        """Read lines of a run's console log, oldest first: the last ones (500 at most), or the last before a
        timestamp in ms, for the page before; search: only lines that contain it."""
        with self._reading() as reader:
            return reader.log(run, max(1, min(lines, MAX_LOG_LINES)), search, before)

    @contextmanager
    def _reading(self) -> Iterator[RunReader]:
        """Yield the reader. Raises ToolError, which the agent is told, for what the server refuses or cannot do."""
        with self._lock:
            try:
                yield self._runs
            except (EventsError, Refused, Unavailable) as error:
                raise ToolError(str(error)) from error


def server_of(tools: Tools) -> MCPServer[Any]:
    """Return the server with all tools."""
    server: MCPServer[Any] = MCPServer(
        "eventide", instructions=INSTRUCTIONS, version=build().version, log_level="ERROR"
    )
    for tool in (tools.find_runs, tools.show_run, tools.digest_runs, tools.compare_runs, tools.read_log):
        server.tool(annotations=READ_ONLY)(tool)
    return server


def serve_agents(settings: Settings) -> None:
    """Answer on stdin and stdout until stdin ends. Raises ConfigError for an address that is none."""
    api = Api(client_configuration(settings))
    try:
        server_of(Tools(RunReader(api))).run("stdio")
    finally:
        api.close()
