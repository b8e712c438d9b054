"""A real Firefox, headless, by its own remote protocol (Marionette).

Playwright drives only builds of its own, or asks a stock Firefox for commands that ESR 153 does not know; Mozilla's
client marionette_driver pins a psutil of 2024. What these tests ask for is little.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.servers.process import Process, free_port, listens

PROGRAM = os.environ.get("EVENTIDE_TEST_FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
QUIET = {
    "app.update.disabledForTesting": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "media.autoplay.default": 0,
}
SECONDS = 30


class Firefox:
    """One window. Every command that fails is an AssertionError with Firefox's own words."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._stream = self._socket.makefile("rb")
        self._ids = count()
        self._read()  # who is there
        self.command("WebDriver:NewSession", {})

    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        """The result of a command."""
        message = json.dumps([0, next(self._ids), name, parameters]).encode()
        self._socket.sendall(b"%d:" % len(message) + message)
        _, _, error, result = self._read()
        assert error is None, f"{name}: {error}"
        return result

    def open(self, url: str) -> None:
        """Go to an address. One that differs only behind its # is another page all the same."""
        self.command("WebDriver:Navigate", {"url": "about:blank"})
        self.command("WebDriver:Navigate", {"url": url})

    def run(self, script: str) -> Any:
        """What a function's body returns in the page."""
        return self.command("WebDriver:ExecuteScript", {"script": script, "args": []})["value"]

    def until(self, expression: str) -> Any:
        """The value of an expression in the page, once it is true; of an element true: it may soon be another one."""
        script = f"const found = {expression}; return found instanceof Node || found"
        return self._until(lambda: self.run(script), expression)

    def frame(self, selector: str) -> None:
        """Look into a frame from now on."""
        found = self.command("WebDriver:FindElement", {"using": "css selector", "value": selector})["value"]
        self.command("WebDriver:SwitchToFrame", {"element": next(iter(found.values()))})

    def screenshot(self) -> bytes:
        """The window as PNG."""
        taken = self.command("WebDriver:TakeScreenshot", {"full": False})["value"]
        return base64.b64decode(taken)

    def close(self) -> None:
        """End the session."""
        self._stream.close()
        self._socket.close()

    def _until(self, found: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + SECONDS
        while not (value := found()):
            assert time.monotonic() < end, f"not within {SECONDS} s: {what}"
            time.sleep(0.1)
        return value

    def _read(self) -> Any:
        size = b""
        while (character := self._stream.read(1)) != b":":
            assert character, "Firefox has left"
            size += character
        return json.loads(self._stream.read(int(size)))


@contextmanager
def firefox(directory: Path) -> Iterator[Firefox]:
    """A Firefox with a profile of its own in ``directory``."""
    assert PROGRAM
    port = free_port()
    profile = directory / "profile"
    profile.mkdir()
    preferences = QUIET | {"marionette.port": port}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
    (profile / "user.js").write_text("".join(lines))
    arguments = [PROGRAM, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    environment = {**os.environ, "HOME": str(directory), "MOZ_CRASHREPORTER_DISABLE": "1"}
    process = Process(arguments, directory / "firefox.log", env=environment)
    process.start()
    try:
        process.wait_until(lambda: listens(port), 60)
        window = Firefox(port)
        yield window
        window.close()
    finally:
        process.terminate()
