"""trackio's HTTP protocol: ``GET /version`` and ``POST /api/<name>`` with ``{"args": [], "kwargs": {…}}``.

A call ``/api/bulk_log`` is the endpoint ``trackio.bulk_log``; its answer is ``{"data": …}``, an error ``{"error": …}``.
Its token is one of Eventide's, or access key and secret key with a colon between them.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping

from schema.api.dialect import Address, message_of
from schema.errors import EventsError
from schema.json_encoding import to_json

TOKEN_HEADER = "x-trackio-write-token"  # noqa: S105 - a header's name
CALL = re.compile(r"/api/(?P<name>[a-z][a-z_]*)/?", re.A)  # ClearML's calls have a dot
VERSION = "/version"
RUN_ID = re.compile(r"[0-9a-f]{32}")
MEDIA, FILES = "trackio/media", "trackio/files"  # folders: of media, whose names are unique, and of other files
OTHER_SECTION = "trackio"  # of what a configuration says of trackio itself
INTERNAL = "_"  # begins the names of that


class TrackioDialect:
    """The dialect of trackio's client."""

    name = "trackio"

    def owns(self, path: str) -> bool:
        """Tell whether a path is one of trackio's calls."""
        return path == VERSION or CALL.fullmatch(path) is not None

    def address(self, method: str, path: str) -> Address:
        """Return the endpoint of a call."""
        found = CALL.fullmatch(path)
        return Address(f"trackio.{found['name'] if found else 'version'}")

    def authorization(self, headers: Mapping[str, str]) -> str | None:
        """Return trackio's token as an Authorization header; None if there is none."""
        if not (token := headers.get(TOKEN_HEADER, "").strip()):
            return None
        return f"Basic {b64encode(token.encode()).decode()}" if ":" in token else f"Bearer {token}"

    def status(self, error: EventsError) -> int:
        """Return the HTTP status of an error."""
        return error.code

    def body(self, data: bytes, error: EventsError | None) -> bytes:
        """Return the answer as it is, or trackio's form of an error."""
        return data if error is None else to_json({"error": message_of(error)})


def task_id_of(company: str, project: str, run: str, run_id: str | None) -> str:
    """Return the id of a run's task: the run's own, or, of runs that have none, one that follows from its name."""
    if run_id and RUN_ID.fullmatch(run_id):
        return run_id
    text = "\0".join((company, project, run_id or run))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
