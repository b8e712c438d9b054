"""Limits on failed log-ins: who guesses secrets is made to wait, by key and by address.

A credential that was good within the last hour is never made to wait, so that nobody is locked out by others' guesses;
and the same wrong pair again, as of an SDK with an old key, counts a tenth, as it guesses nothing.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from typing import TypeVar

from schema.errors import TooManyFailures

Name = TypeVar("Name")
Value = TypeVar("Value")

KEY_FAILURES, KEY_SECONDS = 20, 10.0  # at once, of an address and a key; then one in so many seconds
ADDRESS_FAILURES, ADDRESS_SECONDS = 200, 1.0  # the same of an address, whatever the keys
REPEATED = 0.1
GOOD_SECONDS = 3600.0
REMEMBERED = 20_000


class LoginLimits:
    """Failures that one process has seen (ADR 30); the least recent are forgotten beyond REMEMBERED."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()  # count, at
        self._wrong: OrderedDict[bytes, float] = OrderedDict()
        self._good: OrderedDict[bytes, float] = OrderedDict()

    def check(self, address: str, key: str, payload: str) -> None:
        """Raise TooManyFailures for who must wait before another guess."""
        if time.monotonic() - self._good.get(_digest(payload), -GOOD_SECONDS) < GOOD_SECONDS:
            return
        for name, limit, seconds in _buckets(address, key):
            excess = self._count(name, seconds) - limit + 1
            if excess > 0:
                raise TooManyFailures("Too many failed log-ins", 1 + int(excess * seconds))

    def failed(self, address: str, key: str, payload: str) -> None:
        """Count a wrong credential."""
        digest = _digest(payload)
        weight = REPEATED if digest in self._wrong else 1.0
        _remember(self._wrong, digest, time.monotonic())
        for name, _, seconds in _buckets(address, key):
            _remember(self._failures, name, (self._count(name, seconds) + weight, time.monotonic()))

    def succeeded(self, payload: str) -> None:
        """Note that a credential is good."""
        _remember(self._good, _digest(payload), time.monotonic())

    def _count(self, name: tuple[str, ...], seconds: float) -> float:
        """Return the failures that are not forgotten yet."""
        count, at = self._failures.get(name, (0.0, 0.0))
        return max(0.0, count - (time.monotonic() - at) / seconds)


def _buckets(address: str, key: str) -> tuple[tuple[tuple[str, ...], int, float], ...]:
    return ((address, key), KEY_FAILURES, KEY_SECONDS), ((address,), ADDRESS_FAILURES, ADDRESS_SECONDS)


def _remember(entries: OrderedDict[Name, Value], name: Name, value: Value) -> None:
    entries[name] = value
    entries.move_to_end(name)
    if len(entries) > REMEMBERED:
        entries.popitem(last=False)


def _digest(payload: str) -> bytes:
    return hashlib.blake2b(payload.encode(errors="replace"), digest_size=16).digest()
