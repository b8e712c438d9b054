"""The README says what is true."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.commands import COMMANDS
from schema.settings import markdown_table

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_settings_table_is_the_settings() -> None:
    found = re.search(r"<!-- settings.*?-->\n(.*?)\n<!-- end", README, re.DOTALL)
    assert found
    assert found[1] == markdown_table()


def test_every_command_is_named() -> None:
    assert [name for name in COMMANDS if name not in README and name != "worker-process"] == []
