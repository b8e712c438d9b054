"""Hosts and origins: ``schema/http/origin_policy.py``."""

from __future__ import annotations

import pytest

from deploy.components import origin_policy
from schema.errors import ConfigError, CrossSite, WrongHost
from schema.http.origin_policy import OriginPolicy
from schema.settings import Settings


def knows(policy: OriginPolicy, name: str) -> bool:
    try:
        policy.check_host(name)
    except WrongHost:
        return False
    return True


LOOPBACK, ALL, LISTED = (
    OriginPolicy("127.0.0.1"),
    OriginPolicy("0.0.0.0"),
    OriginPolicy("::", frozenset({"a.example", ".b.example"})),
)


@pytest.mark.parametrize(
    "name", ["localhost:8008", "127.0.0.1", "127.1.2.3:80", "[::1]:8008", "x.localhost", "Localhost."]
)
def test_loopback_is_known_everywhere(name: str) -> None:
    assert all(knows(policy, name) for policy in (LOOPBACK, ALL, LISTED))


@pytest.mark.parametrize(
    "name", ["gateway:8008", "10.1.2.3", "[fd00::1]:8008", "box.local", "q.ns.svc", "eventide.internal"]
)
def test_names_of_private_networks_are_known_where_they_can_be_reached(name: str) -> None:
    """Containers, clusters and the machine next door; no public DNS answers for these."""
    assert [knows(policy, name) for policy in (LOOPBACK, ALL, LISTED)] == [False, True, True]


@pytest.mark.parametrize(
    "name",
    [
        *("evil.example", "localhost.evil.example", "10.1.2.3.evil.example", "", "[", "local.evil"),
        *("evil.example@127.0.0.1", "evil.example\\@localhost", "localhost:80:80", "localhost/x", "[::1]evil", "a]"),
    ],
)
def test_names_that_a_stranger_may_own_are_unknown(name: str) -> None:
    assert not any(knows(policy, name) for policy in (LOOPBACK, ALL, LISTED))


def test_listed_names_are_known() -> None:
    assert all(knows(LISTED, name) for name in ("a.example:80", "A.example", "c.b.example"))
    assert not any(knows(LISTED, name) for name in ("b.example", "ab.example"))
    assert knows(OriginPolicy("127.0.0.1", frozenset({"*"})), "whatever.example")
    assert knows(OriginPolicy("eventide.example"), "eventide.example:8008")


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("https://e.example", "e.example", True),
        ("https://e.example", "e.example:443", True),
        ("http://e.example:80", "e.example", True),
        ("http://e.example", "e.example:8008", False),
        ("http://e.example:8008", "e.example:8008", True),
        ("http://[::1]:8008", "[::1]:8008", True),
        ("http://e.example.evil", "e.example", False),
        ("null", "null", False),
        ("http://e.example:x", "e.example", False),
        ("https://web.example", "e.example", True),
    ],
)
def test_origins(origin: str, host: str, expected: bool) -> None:
    policy = OriginPolicy("127.0.0.1", allowed_origins=frozenset({"https://web.example"}))
    assert policy.is_allowed(origin, host) is expected


def test_a_listed_page_calls_with_cookies() -> None:
    policy = OriginPolicy("127.0.0.1", allowed_origins=frozenset({"https://web.example"}))
    headers = {"Origin": "https://web.example", "Sec-Fetch-Site": "cross-site", "Host": "e"}
    policy.check_cookie(headers, "POST", is_change=True)
    with pytest.raises(CrossSite):
        policy.check_cookie(headers, "GET", is_change=True)
    with pytest.raises(CrossSite):
        policy.check_cookie(headers | {"Origin": "https://other.example"}, "POST", is_change=False)


@pytest.mark.parametrize("origin", ["web.example", "https://web.example/path", "*", "ftp://x"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="EVENTIDE_ALLOWED_ORIGINS"):
        origin_policy(Settings(allowed_origins=origin))


def test_settings_are_lists() -> None:
    policy = origin_policy(Settings(allowed_origins="https://a.example/, http://b:1", allowed_hosts=" A.example ,.c.d"))
    assert policy.is_allowed("https://a.example", None)
    assert policy.is_allowed("http://b:1", None)
    assert knows(policy, "a.example")
    assert knows(policy, "x.c.d")
