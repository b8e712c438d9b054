"""HTTP without TLS: clients that load no certificates, which takes 50 ms of CPU for each."""

from __future__ import annotations

from typing import Any

import httpx


def plain_client(**options: Any) -> httpx.Client:
    """``httpx.Client`` for ``http://`` addresses."""
    return httpx.Client(verify=False, **options)
