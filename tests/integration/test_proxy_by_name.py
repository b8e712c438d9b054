"""A proxy whose name a real resolver knows."""

from __future__ import annotations

import asyncio

from schema.http.client_address import Proxies
from schema.http.proxy_names import resolved


def test_the_addresses_of_a_name_are_the_resolvers() -> None:
    assert "127.0.0.1" in resolved("localhost")
    assert resolved("no-such-host.invalid") == set()


def test_this_host_is_a_proxy_by_its_name() -> None:
    async def use() -> None:
        proxies = Proxies("localhost,no-such-host.invalid")
        async with asyncio.timeout(30):
            while not proxies.is_proxy("127.0.0.1"):  # noqa: ASYNC110 - only who asks learns of it
                await asyncio.sleep(0.01)
        assert proxies.client("127.0.0.1", {"X-Forwarded-For": "6.6.6.6, 127.0.0.2"}) == "127.0.0.2"

    asyncio.run(use())
