"""Secrets among the flags: every user of a machine sees the command lines of all processes (``ps``).

The command is started anew, as the same process, with its secrets in the environment, which only its owner may read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping, Sequence

from pydantic import SecretStr

from schema.settings import PREFIX, Settings

WITH_PASSWORDS = ("registry_url",)  # of an address
SECRET_SETTINGS = frozenset(
    name for name, field in Settings.model_fields.items() if field.annotation is SecretStr or name in WITH_PASSWORDS
)


def hide() -> None:
    """Start this process anew without secrets on its command line, if there are any."""
    kept = move_to_environment(sys.argv[1:], os.environ)
    if len(kept) < len(sys.argv) - 1:
        print("eventide: secrets in flags are seen by other users: use the environment, or …_FILE", file=sys.stderr)
        before = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]
        os.execve(sys.executable, [*before, *kept], os.environ)


def move_to_environment(arguments: Sequence[str], environment: MutableMapping[str, str]) -> list[str]:
    """Put the values of secret flags into the environment; return the other arguments.

    A flag without a value stays, for the parser to refuse.
    """
    kept: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        flag, separator, value = argument.partition("=")
        setting = _setting_of(flag)
        if setting not in SECRET_SETTINGS or not (separator or rest):
            kept.append(argument)
        else:
            environment[PREFIX + setting.upper()] = value if separator else rest.pop(0)
    return kept


def _setting_of(flag: str) -> str:
    """Return the setting that a flag names, by a beginning that no other has, too, as argparse takes it; else ''.

    Of settings that begin with the name of one of them (``token_secret``, ``token_secret_previous``) it is that one.
    """
    name = flag.removeprefix("--").replace("-", "_")
    if not flag.startswith("--") or not name:
        return ""
    found = [setting for setting in Settings.model_fields if setting.startswith(name)]
    shortest = min(found, key=len, default="")
    return name if name in found else shortest if all(setting.startswith(shortest) for setting in found) else ""
