"""The network address of a connection's or request's client, also behind proxies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from schema.http.proxy_names import ProxyNames, Resolve

HOST_BITS = 64  # of an IPv6 address: one customer has a whole network
LABEL = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
HOST_NAME = re.compile(rf"({LABEL}\.)*(?=[^.]*[a-z]){LABEL}", re.IGNORECASE)  # its last part is no number


class Proxies:
    """The proxies whose ``X-Forwarded-For`` is believed.

    ``proxies``: addresses, networks or host names between commas. ``resolve``: finds the addresses of a name. Raises
    ValueError for what is none of them.
    """

    def __init__(self, proxies: str = "", resolve: Resolve | None = None) -> None:
        given = [name.strip() for name in proxies.split(",") if name.strip()]
        names = [name for name in given if HOST_NAME.fullmatch(name)]
        others = [name for name in given if name not in names]
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(name, strict=False) for name in others]
        self._is_in_networks = lru_cache(1000)(self._is_in_a_network)
        self._names = ProxyNames(names, resolve)

    def is_proxy(self, address: str) -> bool:
        """Tell whether connections from this address are those of many clients."""
        return (bool(self._networks) and self._is_in_networks(address)) or address in self._names

    def client(self, peer: str, headers: Mapping[str, str]) -> str:
        """Return the client's address; empty if it is unknown.

        It is the peer's, or behind proxies the last in ``X-Forwarded-For`` that is no proxy's.
        """
        if not self.is_proxy(peer):
            return client_key(peer)
        hops = [hop.strip() for hop in headers.get("X-Forwarded-For", "").split(",")]
        return next((client_key(hop) for hop in reversed(hops) if hop and not self.is_proxy(hop)), "")

    def _is_in_a_network(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return any(found in network for network in self._networks)


@lru_cache(10_000)
def client_key(address: str) -> str:
    """Return what tells clients apart: an IPv4 address, or an IPv6 network; empty for what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((found, HOST_BITS), strict=False))


NO_PROXIES = Proxies()
