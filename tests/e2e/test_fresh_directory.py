"""A command makes the directories that it needs, parents included."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.deployment import attempt_eventide, environment_with

SERVICES = {"KAFKA_BOOTSTRAP": "", "CLICKHOUSE_URL": ""}


@pytest.mark.parametrize("command", ["migrate", "user add --name x"])
def test_a_registry_in_a_fresh_directory(tmp_path: Path, command: str) -> None:
    directory = tmp_path / "several" / "new" / "levels"
    ended = attempt_eventide(command.split(), environment_with(SERVICES | {"DATA_DIR": str(directory)}))
    assert (ended.returncode, (directory / "registry.db").is_file()) == (0, True), ended.stderr


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = attempt_eventide(["migrate"], environment_with(SERVICES | {"DATA_DIR": str(tmp_path / "file" / "new")}))
    assert (ended.returncode, "EVENTIDE_DATA_DIR" in ended.stderr) == (2, True), ended.stderr
