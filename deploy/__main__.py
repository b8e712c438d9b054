"""The command line: ``eventide up|gateway|worker|query|…``. Exit codes: 0 done, 2 wrong configuration, 1 else."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from importlib import import_module
from types import ModuleType

from deploy import secret_flags
from deploy.arguments import parse
from deploy.commands import COMMANDS
from deploy.data_directory import set_umask
from deploy.libraries import prepare_libraries
from schema import tracing
from schema.errors import ConfigError, EventsError
from schema.json_logging import configure_logging
from schema.settings import Settings, read_settings

# New objects before the collector looks at them, and passes before it looks at older ones, too. Nearly all die without
# it; with Python's 700, looking took a seventh of the event loop's time while large answers were made.
YOUNG_OBJECTS = (20_000, 20, 20)


def main() -> None:
    """Run a command and exit."""
    secret_flags.hide()
    arguments = vars(parse(sys.argv[1:]))
    name = arguments.pop("command")
    command = COMMANDS[name]
    prepare_libraries(name, os.environ)
    set_umask()
    flags = {setting: arguments.pop(setting, None) for setting in Settings.model_fields}
    try:
        settings = read_settings(os.environ, flags)
        configure_logging(settings.log_level)
        module, _, function = command.function.partition(":")
        running = getattr(_loaded(module), function)(settings, **arguments)
        if asyncio.iscoroutine(running):
            asyncio.run(running)
    except ConfigError as error:
        sys.exit(_complain(error, 2))
    except EventsError as error:
        sys.exit(_complain(error, 1))
    finally:
        tracing.stop()


def _loaded(name: str) -> ModuleType:
    """Import a module with garbage collection off: it would take a quarter of a start."""
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()  # it stays for good, so there is no use in looking later either
        gc.set_threshold(*YOUNG_OBJECTS)
        gc.enable()


def _complain(error: EventsError, exit_code: int) -> int:
    print(f"eventide: {error}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    main()
