"""The command line: ``eventide up|gateway|worker|query|…``. Exit codes: 0 done, 2 wrong configuration, 1 else."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

from deploy import admin
from deploy.gateway import gateway
from deploy.query import query
from deploy.serve import configure_logging
from deploy.supervise import worker
from deploy.up import up
from deploy.worker import worker_process
from schema.errors import ConfigError, EventsError
from schema.settings import Settings, read_settings

COMMANDS: dict[str, tuple[str, Callable[..., Any]]] = {
    "up": ("gateway, writer and query service in one process, on chDB", up),
    "gateway": ("takes events over HTTP and puts them on Kafka", gateway),
    "worker": ("writes what is on Kafka to ClickHouse, restarted when it leaves", worker),
    "worker-process": ("what `worker` keeps running", worker_process),
    "query": ("answers everything that only reads", query),
    "migrate": ("brings registry, ClickHouse and topics up to date", admin.migrate),
    "user": ("`user add` makes a user and prints the credentials", admin.add_user),
    "topics": ("partitions of the events topic, and the workers' lag", admin.topics),
}


def main() -> None:
    """Run a command and exit."""
    arguments = vars(parser().parse_args())
    command = COMMANDS[arguments.pop("command")][1]
    flags = {name: arguments.pop(name) for name in Settings.model_fields}
    arguments.pop("action", None)
    try:
        settings = read_settings(os.environ, flags)
        configure_logging(settings.log_level)
        running = command(settings, **arguments)
        if asyncio.iscoroutine(running):
            asyncio.run(running)
    except ConfigError as error:
        sys.exit(_complain(error, 2))
    except EventsError as error:
        sys.exit(_complain(error, 1))


def parser() -> argparse.ArgumentParser:
    """Every command takes every setting as a flag."""
    root = argparse.ArgumentParser(prog="eventide", description="An event store for machine-learning experiments")
    commands = root.add_subparsers(dest="command", required=True)
    for name, (text, _) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        for setting, field in Settings.model_fields.items():
            command.add_argument(f"--{setting.replace('_', '-')}", help=field.description)
        if name == "user":
            command.add_argument("action", choices=("add",))
            command.add_argument("--name", required=True)
            command.add_argument("--role", default="user", choices=("user", "admin", "root"))
    return root


def _complain(error: EventsError, exit_code: int) -> int:
    print(f"eventide: {error}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    main()
