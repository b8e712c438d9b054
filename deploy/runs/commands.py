"""The commands ``eventide runs``, ``show`` and ``compare``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deploy.client_connection import client_configuration
from deploy.runs.reader import COLUMNS, RunReader
from deploy.runs.text import comparison_text, run_text, table
from eventide_client.api import Api, Refused
from eventide_client.api import Unavailable as ServerAway
from schema.errors import ConfigError, Unavailable
from schema.settings import Settings


@contextmanager
def reader(settings: Settings) -> Iterator[RunReader]:
    """Yield a reader of the server that is meant. Raises ConfigError for what it refuses, Unavailable if it is away."""
    api = Api(client_configuration(settings))
    try:
        yield RunReader(api)
    except ServerAway as error:
        raise Unavailable(str(error)) from error
    except Refused as error:
        raise ConfigError(str(error)) from error
    finally:
        api.close()


def list_runs(
    settings: Settings, text: str, project: str, columns: str, order_by: str, limit: int, as_json: bool
) -> None:
    """Print a table of tasks. Raises ConfigError for a filter that cannot be read, and Unavailable."""
    named = [name.strip() for name in columns.split(",")] if columns else list(COLUMNS)
    with reader(settings) as runs:
        found = runs.find(text, project, named, order_by, limit)
    if as_json:
        print(json.dumps(found))
        return
    print(table(["id", *named], [list(run.values()) for run in found["runs"]]))
    if found["total"] > len(found["runs"]):
        print(f"{len(found['runs'])} of {found['total']}")


def show_run(settings: Settings, task: str, metric: str, as_json: bool) -> None:
    """Print one task. Raises ConfigError if there is no such task, and Unavailable."""
    with reader(settings) as runs:
        found = runs.show(task, metric)
    print(json.dumps(found) if as_json else run_text(found))


def compare_runs(settings: Settings, tasks: Sequence[str], only_differences: bool, as_json: bool) -> None:
    """Print tasks side by side. Raises ConfigError if there is no such task, and Unavailable."""
    with reader(settings) as runs:
        found = runs.compare(tasks, only_differences)
    print(json.dumps(found) if as_json else comparison_text(found))
