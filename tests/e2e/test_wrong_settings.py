"""A wrong setting ends a command at once: exit code 2, and one line that names the setting, without its secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.deployment import attempt_eventide, environment_with

KEYS = ("ACCESS_KEY", "SECRET_KEY", "WEB_ACCESS_KEY", "WEB_SECRET_KEY")
PLAIN = {"PORT": "0", "FILES_PORT": "0"} | dict.fromkeys(KEYS, "")
COMMAND_AND_SETTING = [
    *(("up", "REGISTRY_URL", url) for url in ("bogus", "mysql://u:hidden@h/x", "postgresql://u:hidden@h:port/x")),
    ("migrate", "REGISTRY_URL", "bogus"),
    ("user add --name x", "REGISTRY_URL", "bogus"),
    *(("query", "CLICKHOUSE_URL", url) for url in ("", "bogus", "ftp://h/x", "http://u:hidden@h:port/x", "http://")),
    ("migrate", "CLICKHOUSE_URL", "http://u:hidden@h:70000/x"),
    ("up", "ACCESS_KEY", "without its other half"),
    ("up", "SECRET_KEY", "hidden"),
    ("migrate", "WEB_ACCESS_KEY", "without its other half"),
    ("up", "FILES_STORE", "ftp://somewhere"),
    ("up", "PORT", "70000"),
    ("up", "WEB_DIR", "nowhere"),
    ("up", "COMPANY", ""),
    ("gateway", "KAFKA_BOOTSTRAP", ""),
]


@pytest.mark.parametrize(("command", "name", "value"), COMMAND_AND_SETTING)
def test_a_wrong_setting_is_named(tmp_path: Path, command: str, name: str, value: str) -> None:
    settings = PLAIN | {"DATA_DIR": str(tmp_path), name: value}
    ended = attempt_eventide(command.split(), environment_with(settings))
    assert ended.returncode == 2, ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("eventide: ")]
    assert f"EVENTIDE_{name}" in line
    assert "hidden" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(("name", "value"), [setting for command, *setting in COMMAND_AND_SETTING if command == "up"])
def test_a_start_that_is_refused_makes_no_data_directory(tmp_path: Path, name: str, value: str) -> None:
    settings = PLAIN | {"DATA_DIR": str(tmp_path / "data"), name: value}
    assert attempt_eventide(["up"], environment_with(settings)).returncode == 2
    assert not (tmp_path / "data").exists()


def test_an_access_key_has_no_colon(tmp_path: Path) -> None:
    settings = PLAIN | {"DATA_DIR": str(tmp_path), "ACCESS_KEY": "a:b", "SECRET_KEY": "c"}
    ended = attempt_eventide(["up"], environment_with(settings))
    assert (ended.returncode, "EVENTIDE_ACCESS_KEY" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments", [["nothing"], [], ["up", "--nothing"], ["user", "add", "--name", ""], ["user", "add"]]
)
def test_what_is_no_command_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    assert attempt_eventide(arguments, environment_with({"DATA_DIR": str(tmp_path)})).returncode == 2
