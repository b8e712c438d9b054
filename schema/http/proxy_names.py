"""The addresses behind names of proxies, which change while a process runs: those of containers, for instance."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterable

REFRESH_SECONDS = 5.0
MAPPED = "::ffff:"  # before IPv4 addresses on a listener for IPv6

Resolve = Callable[[str], Iterable[str]]

logger = logging.getLogger("eventide.connections")


class ProxyNames:
    """Names whose addresses are looked up on a thread, anew where they are asked for and older than REFRESH_SECONDS.

    Until the first look-up has ended there are none. A name that cannot be resolved has no address. For one event loop.
    """

    def __init__(self, names: Iterable[str], resolve: Resolve | None = None) -> None:
        self._names = tuple(names)
        self._resolve = resolve or resolved
        self._addresses: frozenset[str] = frozenset()
        self._looked_up = float("-inf")
        self._lookup: asyncio.Task[None] | None = None

    def __contains__(self, address: str) -> bool:
        """Tell whether an address is one of a proxy's, as far as the last look-up knows; start another if it is old."""
        if self._names and self._is_old():
            self._lookup = asyncio.get_running_loop().create_task(self._look_up())
        return address.removeprefix(MAPPED) in self._addresses

    def _is_old(self) -> bool:
        is_running = self._lookup is not None and not self._lookup.done()  # a resolver may take half a minute
        return not is_running and time.monotonic() - self._looked_up > REFRESH_SECONDS

    async def _look_up(self) -> None:
        self._looked_up = time.monotonic()
        found = [await asyncio.to_thread(self._resolve, name) for name in self._names]
        addresses = frozenset(address for some in found for address in some)
        if addresses != self._addresses:
            logger.info("proxies %s: %s", ", ".join(self._names), ", ".join(sorted(addresses)) or "none")
        self._addresses = addresses


def resolved(name: str) -> set[str]:
    """Return the addresses of a host; none if there is no such host, or no resolver answers."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()
