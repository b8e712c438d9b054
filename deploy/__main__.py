"""The command line: ``eventide up|gateway|worker|query|…``. Exit codes: 0 done, 2 wrong configuration, 1 else."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from importlib import import_module
from types import ModuleType

from deploy.libraries import prepare_libraries
from schema.errors import ConfigError, EventsError
from schema.json_logging import configure_logging
from schema.settings import Settings, read_settings

# What each command is, and the function that runs it, imported only then: a process loads what it needs.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("gateway, writer and query service in one process, on chDB", "deploy.up:up"),
    "gateway": ("takes events over HTTP and puts them on Kafka", "deploy.gateway:gateway"),
    "worker": ("writes what is on Kafka to ClickHouse, restarted when it leaves", "deploy.supervisor:worker"),
    "worker-process": ("what `worker` keeps running", "deploy.worker:worker_process"),
    "query": ("answers everything that only reads", "deploy.query:query"),
    "files": ("keeps the files that events and artifacts refer to", "deploy.files:files"),
    "migrate": ("brings registry, ClickHouse and topics up to date", "deploy.admin:migrate"),
    "user": ("`user add` makes a user and prints the credentials", "deploy.admin:add_user"),
    "topics": ("partitions of the events topic, and the workers' lag", "deploy.admin:topics"),
    "dlq": ("`dlq list|show|replay`: what workers could not write", "deploy.dlq:dlq"),
}


def main() -> None:
    """Run a command and exit."""
    arguments = vars(parser().parse_args())
    command = arguments.pop("command")
    module, _, function = COMMANDS[command][1].partition(":")
    prepare_libraries(command, os.environ)
    flags = {name: arguments.pop(name) for name in Settings.model_fields}
    try:
        settings = read_settings(os.environ, flags)
        configure_logging(settings.log_level)
        running = getattr(_loaded(module), function)(settings, **arguments)
        if asyncio.iscoroutine(running):
            asyncio.run(running)
    except ConfigError as error:
        sys.exit(_complain(error, 2))
    except EventsError as error:
        sys.exit(_complain(error, 1))


def _loaded(name: str) -> ModuleType:
    """A module, without looking for garbage in what is only being loaded: that took a quarter of a start."""
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()  # it stays for good, so there is no use in looking later either
        gc.enable()


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
            command.add_argument("--name", required=True, type=_text)
            command.add_argument("--role", default="user", choices=("user", "admin", "root"))
        if name == "dlq":
            command.add_argument("action", choices=("list", "show", "replay"))
            command.add_argument("--offset", type=int, help="of one record, as `dlq list` shows it; else all")
    return root


def _text(argument: str) -> str:
    if not argument:
        raise argparse.ArgumentTypeError("a text is expected")
    return argument


def _complain(error: EventsError, exit_code: int) -> int:
    print(f"eventide: {error}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    main()
