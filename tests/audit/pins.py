"""Known vulnerabilities of the pinned versions, from the JSON API of the package index that pip uses.

``python -m tests.audit.pins`` prints each and ends with 1 if there are any. An index without that API (mirrors rarely
have it), or none that answers, is told, and ends with 0: nothing was found out then.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-otel.lock", "requirements-test.lock", "requirements-uv.lock")
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
DEFAULT_INDEX = "https://pypi.org/simple"
TIMEOUT_SECONDS = 20
AT_ONCE = 4


class NoData(Exception):
    """The index tells nothing of vulnerabilities."""


def pins() -> set[tuple[str, str]]:
    """Return the pinned versions of all lock files, with their names; of some names one for each Python."""
    return {pin for lock in LOCKS for pin in PIN.findall((ROOT / lock).read_text())}


def index() -> str:
    """Return the address of the index that pip uses, without its last part, ``/simple``."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return (os.environ.get("PIP_INDEX_URL") or configured or DEFAULT_INDEX).rstrip("/").removesuffix("/simple")


def vulnerabilities(base: str, name: str, version: str) -> Iterator[str]:
    """Yield a line for each vulnerability of a version that was not withdrawn. Raises NoData."""
    address = f"{base}/pypi/{name}/{version}/json"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
        known = found["vulnerabilities"]
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        raise NoData(f"{name} {version}: {error}") from error
    for one in known:
        if not one.get("withdrawn"):
            fixed = ", ".join(one.get("fixed_in") or ()) or "none"
            told = one.get("summary") or one.get("details", "")[:200]
            yield f"{name} {version}: {one['id']}, fixed in {fixed}: {told}"


def audit(base: str, pinned: set[tuple[str, str]]) -> list[str]:
    """Return the lines of all pinned versions. Raises NoData at the first of which nothing is told."""
    ordered = sorted(pinned)
    found = list(vulnerabilities(base, *ordered[0]))  # one is asked alone: an index without data is asked no more
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for lines in threads.map(lambda pin: list(vulnerabilities(base, *pin)), ordered[1:]):
            found += lines
    return found


def main() -> int:
    """Run from the command line."""
    pinned = pins()
    try:
        found = audit(index(), pinned)
    except NoData as error:
        print(f"make audit: skipped: the package index tells nothing of vulnerabilities ({error})")
        return 0
    print("\n".join(found) or f"make audit: nothing is known of the {len(pinned)} pinned versions")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
