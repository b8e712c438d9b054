"""The text that ``eventide up`` prints once it listens."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from deploy.access import names_log_in
from deploy.client_environment import Addresses, exports
from deploy.first_start import Credentials
from schema.build import build
from schema.settings import Settings

WELCOME = """\
Eventide {version} listens on {api}, its files server on {files}

{page}

In another terminal, for the lines below, the README's examples and the ClearML SDK:

{exports}

{secrecy}A task, a batch of events, and its curve:

{lines}
"""

SECRECY = """\
Keep these: they are not printed again (`eventide env` tells them).

"""

# Each is one line to paste; they need curl and a POSIX shell.
LINES = r"""
TASK=$(curl -s -u "$KEYS" -H 'Content-Type: application/json' "$EVENTIDE/tasks.create" -d '{"name":"first task","type":"training"}' | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
for i in 1 2 3 4 5; do echo '{"type":"training_stats_scalar","task":"'$TASK'","iter":'$i',"metric":"loss","variant":"train","value":0.'$((9-i))'}'; done | curl -s -u "$KEYS" -H 'Content-Type: application/json-lines' "$EVENTIDE/events.add_batch" --data-binary @-
curl -s -u "$KEYS" -H 'Content-Type: application/json' "$EVENTIDE/events.scalar_metrics_iter_histogram" -d '{"task":"'$TASK'"}'
""".strip()  # noqa: E501


def welcome(settings: Settings, known: Addresses, made: Credentials | None) -> str:
    """Return what a person needs for the first minute: two blocks that work when pasted, one after the other."""
    return WELCOME.format(
        version=build().version,
        **vars(known),
        page=to_look_at(settings, known.api, made),
        exports=exports(known, made) if made else f'eval "$({_program()} env --data-dir {_quoted(settings.data_dir)})"',
        secrecy=SECRECY if made else "",
        lines=LINES,
    )


def _program() -> str:
    """Return how this program is called in a shell."""
    program = sys.argv[0]
    return f"{shlex.quote(sys.executable)} -m deploy" if program.endswith("__main__.py") else shlex.quote(program)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path.resolve()))


def to_look_at(settings: Settings, url: str, made: Credentials | None) -> str:
    """Return what is at ``/``, and how to log in there."""
    if not settings.web_dir and made:
        return f"The page, logged in:  {url}/#login={made.access_key}:{made.secret_key}"
    if not settings.web_dir:
        return f"The page, which asks for access key and secret key:  {url}/"
    if not names_log_in(settings):
        return f"The ClearML web app, with the two keys as name and password:  {url}/"
    return f"The ClearML web app, where any name logs in:  {url}/"
