"""Limits of batches, of the memory for bodies, and whose address a request has."""

from __future__ import annotations

import re

import pytest
from prometheus_client import REGISTRY

from ingest.parsing.batch import CHUNK_ROWS, read_events
from ingest.parsing.json_lines import read_lines
from schema.errors import BodyTooLarge, MalformedRequest, Unavailable
from schema.events.normalize import ParseContext
from schema.http.body_memory import BodyMemory
from schema.http.client_address import Proxies

CONTEXT = ParseContext(now_ms=1_700_000_000_000)
LINE = b'{"type":"log","task":"t","msg":"a"}'

# --- batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [b"{}\n", LINE + b"\n", b"\r\n", b"\r"])
def test_a_batch_of_too_many_lines_is_refused(line: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        read_lines(line * 2_000_001, CONTEXT)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_event_of_too_many_values_is_refused_wherever_it_stands(place: int) -> None:
    lines = [LINE, LINE, LINE]
    lines[place] = b'{"type":"log","task":"t","msg":"a","x":[' + b"[]," * 100_000 + b"0]}"
    with pytest.raises(MalformedRequest, match="100000 values"):
        read_lines(b"\n".join(lines), CONTEXT)


def test_commas_in_a_text_are_no_values() -> None:
    line = b'{"type":"log","task":"t","msg":"' + b"[,{" * 100_000 + b'"}'
    assert read_lines(b"\n".join((line, line)), CONTEXT).event_count == 2


def test_very_many_unusual_events_keep_their_order() -> None:
    count = 2 * CHUNK_ROWS + 3
    events = ({"type": "log", "task": "t", "msg": str(number), "own": number} for number in range(count))
    rows = read_events(events, CONTEXT).columns["log"]
    assert rows["msg"].to_pylist() == [str(number) for number in range(count)]
    assert rows["line"].to_pylist() == list(range(count))


# --- memory -----------------------------------------------------------------------------------------------------------


def test_a_caller_has_half_of_the_memory_and_an_address_too() -> None:
    memory = BodyMemory(100)
    with memory.reserve("ada", "1.1.1.1") as first, memory.reserve("ada", "2.2.2.2") as second:
        first.add(40)
        second.add(10)
        with pytest.raises(Unavailable):
            second.add(1)
        with memory.reserve("bob", "1.1.1.1") as third, pytest.raises(Unavailable):
            third.add(11)
        with memory.reserve("bob", "") as fourth:
            fourth.add(49)
            with memory.reserve("eve", "3.3.3.3") as fifth, pytest.raises(Unavailable):
                fifth.add(1)
    with memory.reserve("ada", "1.1.1.1") as again:
        again.add(50)


def test_metrics_tell_what_is_taken_and_the_limit() -> None:
    def told(name: str) -> float | None:
        return REGISTRY.get_sample_value(f"eventide_inflight_body_{name}")

    memory = BodyMemory(100)
    with memory.reserve("ada", "1.1.1.1") as first, memory.reserve("bob", "") as second:
        first.add(40)
        second.add(10)
        assert (told("bytes"), told("limit_bytes")) == (50, 100)
    assert told("bytes") == 0


def test_a_body_alone_always_fits() -> None:
    memory = BodyMemory(10)
    with memory.reserve("ada", "1.1.1.1") as alone:
        for _ in range(100):
            alone.add(7)
        with memory.reserve("bob", "2.2.2.2") as other, pytest.raises(Unavailable):
            other.add(1)


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "", ""),
        ("10.0.0.1", "nonsense", ""),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
    ],
)
def test_the_client_is_who_stands_before_the_last_proxy(peer: str, forwarded: str, client: str) -> None:
    assert Proxies("10.0.0.0/8").client(peer, {"X-Forwarded-For": forwarded}) == client


def test_what_is_no_network_is_refused() -> None:
    for wrong in ("not a name", "10.0.0.0/33", "10.0.0.300", "nginx:80", "-x", "a..b", "*"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            Proxies(f"10.0.0.0/8, {wrong}, nginx")
