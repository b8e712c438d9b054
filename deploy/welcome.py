"""The text that ``eventide up`` prints once it listens."""

from __future__ import annotations

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

A task, a batch of events, and its curve:

{lines}
"""

# Each is one line to paste; they need curl and a POSIX shell.
LINES = r"""
TASK=$(curl -s -u "$KEYS" -H 'Content-Type: application/json' "$EVENTIDE/tasks.create" -d '{"name":"first task","type":"training"}' | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
for i in 1 2 3 4 5; do echo '{"type":"training_stats_scalar","task":"'$TASK'","iter":'$i',"metric":"loss","variant":"train","value":0.'$((9-i))'}'; done | curl -s -u "$KEYS" -H 'Content-Type: application/json-lines' "$EVENTIDE/events.add_batch" --data-binary @-
curl -s -u "$KEYS" -H 'Content-Type: application/json' "$EVENTIDE/events.scalar_metrics_iter_histogram" -d '{"task":"'$TASK'"}'
""".strip()  # noqa: E501


def welcome(settings: Settings, known: Addresses, credentials: Credentials) -> str:
    """Return what a person needs for the first minute: two blocks that work when pasted, one after the other."""
    user = f"{credentials.access_key}:{credentials.secret_key}"
    return WELCOME.format(
        version=build().version,
        **vars(known),
        page=to_look_at(settings, known.api, user),
        exports=exports(known, credentials),
        lines=LINES,
    )


def to_look_at(settings: Settings, url: str, user: str) -> str:
    """Return what is at ``/``, and how to log in there."""
    if not settings.web_dir:
        return f"The page, logged in:  {url}/#login={user}"
    if not names_log_in(settings):
        return f"The ClearML web app, with the two keys as name and password:  {url}/"
    return f"The ClearML web app, where any name logs in:  {url}/"
