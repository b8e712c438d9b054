"""Links of the documents lead to files, and to headings, that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.documents import documents, name, prose

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
IN_ANCHORS = re.compile(r"[^\w\- ]")


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    return {IN_ANCHORS.sub("", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(document))}


def is_dead(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("document", documents(), ids=name)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(prose(document)) if "://" not in link]
    assert [link for link in links if is_dead(document, link)] == []


def test_links_are_found_and_dead_ones_seen(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("# A heading\n[here](#a-heading) [there](#none) [file](none.md)\n")
    assert [link for link in LINK.findall(prose(document)) if is_dead(document, link)] == ["#none", "none.md"]
