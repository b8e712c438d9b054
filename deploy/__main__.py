"""The command line: ``eventide up|gateway|worker|query|…``. Exit codes: 0 done, 2 wrong configuration, 1 else."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from deploy.serve import configure_logging
from deploy.up import up
from schema.errors import ConfigError, EventsError
from schema.settings import Settings, read_settings

Command = Callable[[Settings], Coroutine[Any, Any, None]]

COMMANDS: dict[str, tuple[str, Command]] = {
    "up": ("gateway, writer and query service in one process, on chDB", up),
}


def main() -> None:
    """Run a command and exit."""
    arguments = vars(parser().parse_args())
    command = COMMANDS[arguments.pop("command")][1]
    try:
        settings = read_settings(os.environ, arguments)
        configure_logging(settings.log_level)
        asyncio.run(command(settings))
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
    return root


def _complain(error: EventsError, exit_code: int) -> int:
    print(f"eventide: {error}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    main()
