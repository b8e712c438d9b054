"""A process that is told to stop ends its streams at once, as the last thing that they hear."""

from __future__ import annotations

import time
from pathlib import Path

from tests.harness.api import Api
from tests.harness.deployment import embedded
from tests.harness.listener import Listener

DRAIN_SECONDS = 20  # what other requests would get


def test_streams_end_when_the_process_drains(tmp_path: Path) -> None:
    with (
        embedded(tmp_path, {"DRAIN_SECONDS": str(DRAIN_SECONDS)}) as deployment,
        Api(deployment.origins, deployment.credentials) as api,
    ):
        stream = Listener(api, [api.create_task()])
        assert stream.next()[1] == "ready"
        started = time.monotonic()
        deployment.processes["up"].terminate()
        stream.thread.join(DRAIN_SECONDS)
        assert time.monotonic() - started < DRAIN_SECONDS / 2
        assert not stream.thread.is_alive()
        assert stream.is_whole
