"""The repository's documents and the files that they may name."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PACKAGES = ("schema", "ingest", "query", "deploy")


@cache
def files() -> frozenset[str]:
    """The paths of all files and folders in the repository, relative to its root; folders without a final slash."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    paths = listed.stdout.split() or [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
    present = [Path(path) for path in paths if (ROOT / path).exists()]
    return frozenset(str(part) for path in present for part in (path, *path.parents) if part.name)


def documents() -> list[Path]:
    """Every Markdown file of ours."""
    return [ROOT / path for path in sorted(files()) if path.endswith(".md")]


def prose(document: Path) -> str:
    """The text of a document without its code blocks."""
    return CODE_BLOCK.sub("", document.read_text())


def name(document: Path) -> str:
    """The path of a document, as a test's id."""
    return document.relative_to(ROOT).as_posix()


@cache
def source() -> str:
    """The text of all Python, SQL and JavaScript files of ours, to find names in."""
    wanted = (path for path in sorted(files()) if path.endswith((".py", ".sql", ".js")) and "/vendor/" not in path)
    return "\n".join((ROOT / path).read_text() for path in wanted)
