"""Files as the SDK uploads them, and the events that refer to them."""

from __future__ import annotations

import base64
import io
import math
import wave
from collections.abc import Iterable
from urllib.parse import quote

import httpx

from tests.harness.api import Api, Data
from tests.harness.events import image
from tests.harness.plain import plain_client

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkaPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
SCRIPT = "document.documentElement.dataset.ran = 'yes'; parent.postMessage('ran', '*'); top.ran = true"
PAGE = f'<!doctype html><h1>a report</h1><script>{SCRIPT}</script><img src=x onerror="{SCRIPT}">'.encode()
RECT = '<rect width="9" height="9"/>'
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{RECT}<script>{SCRIPT}</script></svg>'
TEXT = "first line\nsecond <b>line</b>\n"


def sound() -> bytes:
    """A tenth of a second of a tone."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(128 + int(60 * math.sin(n / 3)) for n in range(800)))
    return out.getvalue()


FILES = {
    "picture.png": PNG,
    "drawing.svg": SVG.encode(),
    "report.html": PAGE,
    "notes.txt": TEXT.encode(),
    "tone.wav": sound(),
}


def upload(api: Api, host: str, paths: Iterable[tuple[str, bytes]]) -> None:
    """Send files to a files server, as the SDK does."""
    headers = {"Authorization": f"Bearer {api.token}"}
    with plain_client(headers=headers) as client:
        for path, content in paths:
            assert client.post(f"{host}/", files={path: (path, content)}).status_code == 200


def report(api: Api, upload_host: str, named_host: str, directory: str) -> str:
    """A task with all of FILES, uploaded to one address and named by another, as events do."""
    task = api.create_task(f"files of {named_host}")
    places = {name: f"/{directory}/{task}/{name}" for name in FILES}
    upload(api, upload_host, ((places[name], content) for name, content in FILES.items()))
    api.add(*(sample(task, name, f"{named_host}{quote(path)}") for name, path in places.items()))
    return task


def sample(task: str, variant: str, url: str) -> Data:
    """The event of one file."""
    return image(task, 1, url, "media", variant, key=variant)


def port_of(origin: str) -> int:
    """Of an origin."""
    port = httpx.URL(origin).port
    assert port
    return port
