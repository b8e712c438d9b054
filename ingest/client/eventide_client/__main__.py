"""``python -m eventide_client sync [DIR]``: sends the spools that are left."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from eventide_client.configuration import read_configuration
from eventide_client.sync import sync

DONE, LEFT, WRONG = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 all is sent, 1 something is left, 2 wrong configuration."""
    parser = argparse.ArgumentParser(prog="eventide-client", description="Logs experiments to Eventide")
    commands = parser.add_subparsers(dest="command", required=True)
    syncing = commands.add_parser("sync", help="send what processes that are gone have left in their spools")
    syncing.add_argument("directory", nargs="?", help="a spool, or a folder of spools (default: where runs have them)")
    syncing.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="try for so long (default: once)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    sys.exit(send(given.directory, given.wait))


def send(directory: str | None, wait_seconds: float) -> int:
    """Send the spools of a folder, and return the exit code."""
    try:
        configuration = read_configuration(os.environ)
    except ValueError as error:
        print(f"eventide-client: {error}", file=sys.stderr)
        return WRONG
    root = Path(directory) if directory else configuration.spool
    if directory and not root.is_dir():
        print(f"eventide-client: no folder {root}", file=sys.stderr)
        return WRONG
    return LEFT if sync(root, configuration, wait_seconds) else DONE


if __name__ == "__main__":
    main()
