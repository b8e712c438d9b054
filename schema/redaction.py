"""Secrets are not for logs: what looks like one is taken out of every line, whoever wrote it."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
# Basic and Bearer credentials, cookies and fields by their names, tokens by their form, and passwords in URLs.
SECRETS = re.compile(
    r"""(?ix)
      (?P<scheme>\b(?:basic|bearer)\s+)[a-z0-9+/=_.~-]{8,}
    | (?P<header>\b(?:authorization|cookie|set-cookie)["']?\s*[:=,]\s*b?["']?)(?!\s|(?:basic|bearer)\s)[^\r\n"']+
    | (?P<field>\b[a-z_]*(?:secret|password|passwd|api_key|token)[a-z_]*["']?\s*[:=]\s*b?["']?)(?!\s)[^\s"',;&)}]+
    | (?P<url>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s/@]+(?=@)
    | (?P<login>\#login=[^\s:]*:)\S+
    | \beyJ[a-z0-9_-]{8,}\.[a-z0-9_-]+\.[a-z0-9_-]*
    """
)


def without_secrets(text: str) -> str:
    """Return a text with HIDDEN in place of what looks like a secret."""
    return SECRETS.sub(lambda found: f"{found[found.lastgroup] if found.lastgroup else ''}{HIDDEN}", text)
