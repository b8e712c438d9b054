"""``schema.events.normalize.ParseContext``: what identifies the log lines of a request."""

from __future__ import annotations

import hashlib

from schema.events.normalize import ParseContext


def test_a_request_is_identified_by_the_digest_of_its_source() -> None:
    first, again, other = (ParseContext(1, fresh_id=bytes([n]) * 16, source=b"ab"[n // 2 :]) for n in range(3))
    assert first.digest == again.digest == hashlib.sha256(b"ab").digest()[:16]
    assert other.digest == hashlib.sha256(b"b").digest()[:16]
    assert ParseContext(1, source=b"").digest == hashlib.sha256(b"").digest()[:16]


def test_without_a_source_by_what_is_given() -> None:
    assert ParseContext(1, batch_id=b"b" * 16).digest == b"b" * 16
