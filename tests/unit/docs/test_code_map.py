"""``docs/ARCHITECTURE.md`` names every package folder, and ``docs/adr/README.md`` every decision."""

from __future__ import annotations

import re

from tests.unit.docs.documents import PACKAGES, ROOT, files

CODE_MAP = (ROOT / "docs" / "ARCHITECTURE.md").read_text().partition("## Code map")[2].partition("\n## ")[0]
DECISIONS = (ROOT / "docs" / "adr" / "README.md").read_text()


def test_every_package_folder_is_in_the_code_map() -> None:
    folders = {path.removesuffix("/__init__.py") for path in files() if path.endswith("/__init__.py")}
    ours = {folder for folder in folders if folder.partition("/")[0] in PACKAGES}
    ours |= {folder for folder in folders if folder.startswith("tests/") and folder.count("/") == 1}
    assert ours
    assert sorted(folder for folder in ours if f"`{folder}/`" not in CODE_MAP) == []


def test_the_code_map_names_no_folder_that_is_not_there() -> None:
    named = re.findall(r"^\| (.+?) \|", CODE_MAP, re.MULTILINE)
    folders = [folder for cell in named for folder in re.findall(r"`([a-z_/]+)/`", cell)]
    assert len(folders) > 20
    assert [folder for folder in folders if folder not in files()] == []


def test_every_decision_is_in_the_list_and_has_its_parts() -> None:
    records = sorted(path for path in files() if re.fullmatch(r"docs/adr/\d{4}-[a-z0-9-]+\.md", path))
    listed = re.findall(r"^\| \[(\d+)\]\((\d{4}-[a-z0-9-]+\.md)\) \| (.+) \|$", DECISIONS, re.MULTILINE)
    assert [f"docs/adr/{file}" for _, file, _ in listed] == records
    for number, file, title in listed:
        text = (ROOT / "docs" / "adr" / file).read_text()
        assert text.startswith(f"# {number}. {title}\n\nStatus: ")
        assert [
            part for part in ("Situation", "Decision", "Alternatives", "Consequences") if f"\n## {part}" not in text
        ] == []
