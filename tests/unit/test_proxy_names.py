"""Proxies by their names, whose addresses change."""

from __future__ import annotations

import asyncio
import threading

import pytest

from schema.http import proxy_names
from schema.http.client_address import Proxies

FORWARDED = {"X-Forwarded-For": "6.6.6.6, 192.168.7.7"}


class Names:
    """A resolver whose answers change."""

    def __init__(self, **addresses: list[str]) -> None:
        self.addresses = addresses
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, name: str) -> list[str]:
        self.asked += 1
        self.may_answer.wait(10)
        return self.addresses.get(name, [])


async def settled(proxies: Proxies, address: str, expected: bool) -> None:
    """Wait until an address is, or is not, a proxy's."""
    async with asyncio.timeout(5):
        while proxies.is_proxy(address) is not expected:  # noqa: ASYNC110 - only who asks learns of it
            await asyncio.sleep(0.001)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked up is old at once."""
    monkeypatch.setattr(proxy_names, "REFRESH_SECONDS", 0.0)


def test_the_client_is_who_the_named_proxy_forwards_for() -> None:
    async def use() -> None:
        proxies = Proxies("nginx, web, 10.0.0.0/8", Names(nginx=["172.18.0.9"], web=["172.18.0.8"]))
        assert proxies.client("172.18.0.9", FORWARDED) == "172.18.0.9"  # not looked up yet: a client like others
        await settled(proxies, "172.18.0.9", True)
        assert proxies.client("172.18.0.9", FORWARDED) == "192.168.7.7"  # in one of Docker's networks, and yet itself
        assert proxies.client("172.18.0.9", {"X-Forwarded-For": "1.2.3.4, 172.18.0.8"}) == "1.2.3.4"
        assert proxies.client("::ffff:172.18.0.9", FORWARDED) == "192.168.7.7"
        assert proxies.client("10.1.2.3", FORWARDED) == "192.168.7.7"
        assert proxies.client("172.18.0.7", FORWARDED) == "172.18.0.7"

    asyncio.run(use())


@pytest.mark.usefixtures("at_once")
def test_a_recreated_proxy_is_known_by_its_new_address_alone() -> None:
    async def use() -> None:
        names = Names(nginx=["172.18.0.9"])
        proxies = Proxies("nginx", names)
        await settled(proxies, "172.18.0.9", True)
        names.addresses = {"nginx": ["172.18.0.4", "172.18.0.5"]}
        await settled(proxies, "172.18.0.5", True)
        assert not proxies.is_proxy("172.18.0.9")
        names.addresses = {}
        await settled(proxies, "172.18.0.5", False)

    asyncio.run(use())


@pytest.mark.usefixtures("at_once")
def test_a_resolver_that_is_slow_is_asked_once_at_a_time_and_holds_nothing_up() -> None:
    async def use() -> None:
        names = Names(nginx=["172.18.0.9"])
        names.may_answer.clear()
        proxies = Proxies("nginx", names)
        for _ in range(100):
            assert not proxies.is_proxy("172.18.0.9")
            await asyncio.sleep(0)
        assert names.asked <= 1
        names.may_answer.set()
        await settled(proxies, "172.18.0.9", True)

    asyncio.run(use())


def test_addresses_are_looked_up_again_only_when_they_are_old() -> None:
    async def use() -> None:
        names = Names(nginx=["172.18.0.9"])
        proxies = Proxies("nginx", names)
        await settled(proxies, "172.18.0.9", True)
        for _ in range(100):
            proxies.is_proxy("172.18.0.1")
            await asyncio.sleep(0)
        assert names.asked == 1

    asyncio.run(use())
