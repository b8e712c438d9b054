"""The files that events and documents refer to, beside the tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from deploy.exporting.report import Report
from deploy.exporting.table_files import PART
from eventide_client.api import Api, Refused

CHUNK_BYTES = 1 << 20
SOURCE = re.compile(r'"source"\s*:\s*"([^"\\]+)"')  # of an image in a plot
FOLDER = "files"
NOT_OURS = "file that is elsewhere, and stays there"
GONE = "file that the server does not have"
BAD_PATH = "file whose path is none"
LONGEST_NAME = 255  # bytes of a file's name


class ServerFiles:
    """The download of files into one folder. Files that are there already are not read again.

    ``bases``: the addresses by which stored URLs name the files server; the first is asked.
    """

    def __init__(self, api: Api, folder: Path, bases: Sequence[str]) -> None:
        self._api = api
        self._folder = folder / FOLDER
        self._bases = [base.rstrip("/") + "/" for base in bases]

    def download(self, urls: Iterable[str]) -> Report:
        """Store the files of some URLs at their paths. Raises Unavailable and OSError."""
        report = Report()
        for url in dict.fromkeys(urls):
            if reason := self._download(url):
                report.skipped[reason] += 1
            else:
                report.counts["files"] += 1
        return report

    def _download(self, url: str) -> str:
        """Store one; return why it is not."""
        base = next((base for base in self._bases if url.startswith(base)), None)
        if base is None:
            return NOT_OURS
        path = unquote(url.removeprefix(base).partition("?")[0])
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or any(not _is_name(part) for part in parts):
            return BAD_PATH
        place = self._folder.joinpath(*parts)
        if not place.exists():
            try:
                self._store(self._bases[0] + quote(path), place)
            except Refused:
                return GONE
        return ""

    def _store(self, url: str, place: Path) -> None:
        response = self._api.get(url)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(place.name[:200] + PART)
        with part.open("wb") as file:
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
        part.replace(place)


def urls_in(value: Any) -> Iterator[str]:
    """Yield the addresses in a document, such as those of artifacts."""
    if isinstance(value, str):
        if value.startswith(("http://", "https://")):
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from urls_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from urls_in(item)


def sources_of(plots: Iterable[str | None]) -> Iterator[str]:
    """Yield the addresses of the images in plots."""
    for text in plots:
        yield from SOURCE.findall(text or "")


def _is_name(part: str) -> bool:
    return part not in ("..", ".") and "\0" not in part and len(part.encode(errors="replace")) <= LONGEST_NAME
