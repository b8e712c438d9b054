"""A client of ``events.stream``."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

import httpx

from tests.harness.api import Api
from tests.harness.plain import plain_client

SECONDS = 20
Event = tuple[str, str, Any]  # id, name, data


class Listener:
    """The events of one stream, as they come."""

    def __init__(self, api: Api, tasks: list[str], last_event_id: str | None = None, **options: Any) -> None:
        self.headers = {"Authorization": f"Bearer {api.token}"}
        if last_event_id is not None:
            self.headers["Last-Event-ID"] = last_event_id
        self.url = api.url("events.stream", "2.34")
        self.parameters = [("task", task) for task in tasks] + list(options.items())
        self.events: Queue[Event] = Queue()
        self.is_whole = False  # whether the server ended it as it should
        self.client = plain_client(timeout=httpx.Timeout(SECONDS))
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        try:
            with self.client.stream("GET", self.url, params=self.parameters, headers=self.headers) as response:
                if response.headers["Content-Type"] != "text/event-stream":
                    return
                fields: dict[str, str] = {}
                for line in response.iter_lines():
                    name, _, value = line.partition(": ")
                    if line:
                        fields[name] = value
                    elif "event" in fields:
                        self.events.put((fields["id"], fields["event"], json.loads(fields["data"])))
                        fields = {}
                self.is_whole = True
        except httpx.HTTPError:
            return

    def is_ready(self) -> bool:
        """Whether the stream was let in."""
        try:
            return self.events.get(timeout=2)[1] == "ready"
        except Empty:
            return False

    def next(self, *names: str) -> Event:
        """The next event of these names; any if none is given."""
        while True:
            found = self.events.get(timeout=SECONDS)
            if not names or found[1] in names:
                return found


@contextmanager
def listening(api: Api, *tasks: str, **options: Any) -> Iterator[Listener]:
    """A stream that is ready."""
    listener = Listener(api, list(tasks), **options)
    assert listener.next()[1] == "ready"
    try:
        yield listener
    finally:
        listener.client.close()


def events_of(sent: bytes) -> list[tuple[str, Any]]:
    """The names and data of some encoded events."""
    return [(name.decode(), json.loads(data)) for name, data in re.findall(rb"event: (.*)\ndata: (.*)\n\n", sent)]
