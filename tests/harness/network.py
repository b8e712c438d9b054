"""Closes the network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

DOORS = ("connect", "connect_ex", "sendto", "sendmsg", "listen")
FUNCTIONS = ("getaddrinfo", "gethostbyname", "create_connection")


class NetworkUsed(BaseException):
    """Not an Exception, so that few handlers swallow it."""


@contextmanager
def closed_network() -> Iterator[None]:
    """Every use of the network raises NetworkUsed; if the code swallowed that, leaving raises AssertionError."""
    uses: list[str] = []

    def closed(name: str) -> Callable[..., NoReturn]:
        def refuse(*arguments: Any, **_: Any) -> NoReturn:
            uses.append(f"{name}{tuple(given for given in arguments if not isinstance(given, socket.socket))}")
            raise NetworkUsed(uses[-1])

        return refuse

    with pytest.MonkeyPatch.context() as patch:
        for name in DOORS:
            patch.setattr(socket.socket, name, closed(name))
        for name in FUNCTIONS:
            patch.setattr(socket, name, closed(name))
        yield
    assert not uses, f"the network was used and the error swallowed: {uses}"
