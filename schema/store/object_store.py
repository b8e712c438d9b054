"""Files in a directory or a bucket, by company and path. The only import of obstore.

obstore and not fsspec: its uploads and downloads stream through an async iterator, with part uploads, ranges and atomic
files on every backend, in one wheel without dependencies, where s3fs brings aiobotocore and its pinned botocore. It
also refuses every path that could leave its root.

``url`` is a directory, or ``s3://bucket/prefix``, ``gs://…`` or ``az://…``. What a ``StoreAccess`` leaves out comes
from the environment, as the vendors' own tools read it (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and the like).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import LocalStore, ObjectStore, from_url

from schema.errors import BadPath, FileMissing, Unavailable
from schema.store.local_paths import check_file, check_place, is_folder

CHUNK_BYTES = 5 << 20  # the least that S3 takes as a part
CONCURRENT_PARTS = 4
MAX_NAME_BYTES = 255
NO_COMPANY = "_"
LISTED_FILES = 1000  # at once
ESCAPED = re.compile(r"[%#\\\x00-\x1f\x7f]")
NOT_A_FILE = re.compile(r"Is a directory|Not a directory|File exists|File name too long|os error (?:17|20|21|36)\b")
MISSING = (FileNotFoundError, NotADirectoryError)


class BadStore(ValueError):
    """A URL that names no object store."""


@dataclass(frozen=True)
class StoreAccess:
    """How an object store is reached: its address, whose key is shown, and who signs its certificate.

    ``endpoint``: of another server than Amazon's; its scheme alone decides on TLS. ``ca``: a file, added to the
    system's authorities. All but ``ca`` are for S3. Empty: the environment's.
    """

    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    ca: str = ""

    @property
    def config(self) -> dict[str, Any]:
        """The fields that are set, by obstore's names."""
        keys = {"access_key_id": self.access_key, "secret_access_key": self.secret_key}
        return {
            name: value for name, value in ({"endpoint": self.endpoint, "region": self.region} | keys).items() if value
        }

    @property
    def client_options(self) -> dict[str, Any]:
        """obstore's options of connections. Raises OSError if the file of authorities cannot be read."""
        options: dict[str, Any] = {"root_certificate": Path(self.ca).read_bytes()} if self.ca else {}
        return options | ({"allow_http": not self.endpoint.startswith("https:")} if self.endpoint else {})


FROM_ENVIRONMENT = StoreAccess()


class FileChanged(Exception):
    """Another version of a file took the place of the one that was asked for."""


@dataclass(frozen=True)
class FileInfo:
    """Size, date and tag of a file."""

    size_bytes: int
    modified: datetime
    tag: str


class FileStore:
    """Files by company and path; no path leads out of its company's.

    Every method raises BadPath for a path that no file can have, FileMissing and Unavailable; the constructor BadStore.
    """

    def __init__(self, url: str, access: StoreAccess = FROM_ENVIRONMENT) -> None:
        self._root = None if "://" in url else Path(url)
        try:
            self._store = _store_at(url, access)
        except (BaseError, ValueError, OSError) as error:
            raise BadStore(str(error).partition("\n")[0]) from error

    async def put(self, company: str, path: str, chunks: AsyncIterable[bytes]) -> None:
        """Store a file, replacing one of the same path. If ``chunks`` raises, nothing is stored."""
        options: Any = {"chunk_size": CHUNK_BYTES, "max_concurrency": CONCURRENT_PARTS}
        key = key_of(company, path)
        if self._root:
            await asyncio.to_thread(check_place, self._root, key)
        try:
            await obstore.put_async(self._store, key, chunks, **options)
        except (BaseError, OSError) as error:
            raise _translated(error, path) from error

    async def info(self, company: str, path: str) -> FileInfo:
        """Return size, date and tag of a file."""
        key = await self._key_of_file(company, path)
        try:
            meta = await obstore.head_async(self._store, key)
        except (BaseError, OSError) as error:
            raise _translated(error, path) from error
        return FileInfo(meta["size"], meta["last_modified"], meta.get("e_tag") or "")

    async def open(self, company: str, path: str, start: int, end: int, tag: str = "") -> AsyncIterator[bytes]:
        """Open the bytes of a file from ``start`` up to ``end``, in pieces, of the one version that has the ``tag``.

        Raises FileChanged if another has taken its place; what is open stays what it is.
        """
        key = await self._key_of_file(company, path)
        if start == end:
            return _pieces_of_nothing()
        options: Any = {"range": (start, end)} | ({"if_match": tag} if tag else {})
        try:
            found = await obstore.get_async(self._store, key, options=options)
        except PreconditionError as error:
            raise FileChanged(path) from error
        except (BaseError, OSError) as error:
            raise _translated(error, path) from error
        return _pieces(found, path)

    async def delete(self, company: str, path: str) -> None:
        """Remove a file."""
        await self.info(company, path)
        try:
            await obstore.delete_async(self._store, key_of(company, path))
        except (BaseError, OSError) as error:
            raise _translated(error, path) from error

    async def usage(self, company: str) -> tuple[int, int]:
        """Return the number of a company's files, and their bytes together."""
        count = size = 0
        try:
            async for some in obstore.list(self._store, f"{company or NO_COMPANY}/", chunk_size=LISTED_FILES):
                count += len(some)
                size += sum(file["size"] for file in some)
        except (BaseError, OSError) as error:
            raise _translated(error, company) from error
        return count, size

    async def list_folder(self, company: str, path: str) -> tuple[list[str], list[tuple[str, int]]]:
        """Return the folders in a folder, and its files with their sizes, by name; none where there is no folder."""
        key = key_of(company, path)
        if self._root and not await asyncio.to_thread(is_folder, self._root, key):
            return [], []
        try:
            found = await obstore.list_with_delimiter_async(self._store, f"{key}/")
        except (BaseError, OSError) as error:
            if isinstance(error, MISSING):
                return [], []
            raise _translated(error, path) from error
        files = [(_last_name(meta["path"]), meta["size"]) for meta in found["objects"]]
        return sorted(map(_last_name, found["common_prefixes"])), sorted(files)

    async def _key_of_file(self, company: str, path: str) -> str:
        """Return where a file is kept; in a directory only if it is one, and no link."""
        key = key_of(company, path)
        if self._root:
            await asyncio.to_thread(check_file, self._root, key)
        return key

    async def ping(self) -> None:
        """Raise Unavailable unless the object store answers."""
        try:
            await self.info("", "ping")
        except FileMissing:
            return


async def _pieces(found: obstore.GetResult, path: str) -> AsyncIterator[bytes]:
    try:
        async for piece in found.stream():
            yield bytes(piece)
    except (BaseError, OSError) as error:
        raise _translated(error, path) from error


async def _pieces_of_nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _store_at(url: str, access: StoreAccess) -> ObjectStore:
    if "://" in url:
        config, options = cast("Any", access.config or None), cast("Any", access.client_options or None)
        if access.config and not url.startswith("s3"):
            raise ValueError("an endpoint, a region and keys are those of s3:// alone")
        return from_url(url, config=config, client_options=options)
    if access != FROM_ENVIRONMENT:
        raise ValueError("a directory has no endpoint, key or certificate")
    Path(url).mkdir(parents=True, exist_ok=True)
    return LocalStore(url)


def key_of(company: str, path: str) -> str:
    """Return the key of a file. Raises BadPath for empty paths, parent directories and names that are too long."""
    names = [name for name in path.split("/") if name]
    if not names or any(name in (".", "..") for name in names):
        raise BadPath(f"Invalid path {path!r}")
    escaped = [ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", name) for name in names]
    try:
        if any(len(name.encode()) > MAX_NAME_BYTES for name in escaped):
            raise BadPath(f"A name in a path has at most {MAX_NAME_BYTES} bytes")
    except UnicodeEncodeError as error:
        raise BadPath(f"Invalid path {path!r}") from error
    return "/".join((company or NO_COMPANY, *escaped))


def _last_name(key: str) -> str:
    """Return the last name of a key as clients know it."""
    return unquote(key.rstrip("/").rpartition("/")[2])


def _translated(error: Exception, path: str) -> Exception:
    """Translate a driver's exceptions; others, such as the uploading client's, pass."""
    if isinstance(error, MISSING) or NOT_A_FILE.search(str(error)):
        return FileMissing(f"No file {path}") if isinstance(error, MISSING) else BadPath(f"No file can be at {path}")
    if isinstance(error, BaseError):
        return Unavailable(f"The file store is not available: {error}")
    return error
