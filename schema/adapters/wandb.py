"""W&B's HTTP protocol: ``POST /graphql`` and ``POST /files/<entity>/<project>/<run>/file_stream``.

Its client sends ``Basic api:<key>``. Of a key it wants 40 characters of ``[A-Za-z0-9_-]`` behind the first dash, which
``<access key>-<secret key>`` has; a JSON Web Token (of ``auth.login``) it takes as it is.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from urllib.parse import unquote

from schema.api.dialect import Address, message_of
from schema.errors import EventsError
from schema.json_encoding import to_json

GRAPHQL = "/graphql"
STREAM = re.compile(r"/files/(?P<entity>[^/]+)/(?P<project>[^/]+)/(?P<run>[^/]+)/file_stream/?")
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.A)
USER = "api"  # of the client's Basic credentials
ENTITY = "eventide"  # of runs that name none: W&B has no projects without an entity
FOLDER = "wandb"  # of all files of runs among a company's files
UPLOADS = "/wandb/files"  # below which files are put


class WandbDialect:
    """The dialect of W&B's client."""

    name = "wandb"

    def owns(self, path: str) -> bool:
        """Tell whether a path is one of W&B's."""
        return path == GRAPHQL or STREAM.fullmatch(path) is not None

    def address(self, method: str, path: str) -> Address:
        """Return the endpoint of a path that is one of W&B's."""
        if found := STREAM.fullmatch(path):
            return Address("wandb.file_stream", {name: unquote(part) for name, part in found.groupdict().items()})
        return Address("wandb.graphql")

    def authorization(self, headers: Mapping[str, str]) -> str | None:
        """Return the client's key as an Authorization header of Eventide's; None if there is none."""
        scheme, _, payload = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, key = b64decode(payload, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        return authorization_of(key) if user == USER else None

    def status(self, error: EventsError) -> int:
        """Return the HTTP status of an error."""
        return error.code

    def body(self, data: bytes, error: EventsError | None) -> bytes:
        """Return the answer as it is, or GraphQL's form of an error."""
        return data if error is None else to_json({"errors": [{"message": message_of(error)}]})


def authorization_of(key: str) -> str:
    """Return the Authorization header of a key of W&B's form."""
    if TOKEN.fullmatch(key):
        return f"Bearer {key}"
    access, _, secret = key.partition("-")
    return f"Basic {b64encode(f'{access}:{secret}'.encode()).decode()}"


def project_name(entity: str | None, project: str | None) -> str:
    """Return the path of the project of a run, ``entity/project`` where an entity was named."""
    name = project or "uncategorized"
    return name if not entity or entity == ENTITY else f"{entity}/{name}"


def task_id_of(company: str, project: str, run: str) -> str:
    """Return the id of a run's task: run ids are unique within their project. ``project``: its path."""
    text = "\0".join((company, project, run))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16, person=b"wandb").hexdigest()


def file_path(task_id: str, name: str) -> str:
    """Return where a file of a run is stored."""
    return f"{FOLDER}/{task_id}/{name}"
