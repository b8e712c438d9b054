"""``deploy/commands.py``: each command's flags are the settings that it reads, and no others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import deploy
from deploy.arguments import parse
from deploy.commands import COMMANDS
from schema.build import build
from schema.settings import Settings

PUBLIC = [name for name, command in COMMANDS.items() if not command.is_internal]
STARTS = {"deploy.supervisor:worker": "deploy.worker:worker_process"}  # passes its flags on to this one
SETTINGS_NAMES = ("settings", "brief")  # what functions of ``deploy`` call a Settings


def functions() -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of ``deploy`` by its name, which is unique among those that take settings."""
    modules = Path(deploy.__file__).parent.rglob("*.py")
    nodes = (node for module in modules for node in ast.walk(ast.parse(module.read_text())))
    return {node.name: node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def names_in(call: ast.Call) -> Iterator[str]:
    """What is called, and what is handed on to be called, as with ``partial``."""
    for node in (call.func, *call.args):
        if isinstance(node, ast.Name | ast.Attribute):
            yield node.id if isinstance(node, ast.Name) else node.attr


def settings_read_by(name: str) -> set[str]:
    """The settings that a function and those that it gives the settings to read."""
    known, found, todo, done = functions(), set[str](), [name], set[str]()
    while todo:
        done.add(current := todo.pop())
        for node in ast.walk(known[current]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found |= {node.attr} & Settings.model_fields.keys() if node.value.id in SETTINGS_NAMES else set()
            if isinstance(node, ast.Call) and any(
                isinstance(argument, ast.Name) and argument.id in SETTINGS_NAMES for argument in node.args
            ):
                todo += [called for called in names_in(node) if called in known and called not in done]
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_flags_of_a_command_are_the_settings_that_it_reads(name: str) -> None:
    function = COMMANDS[name].function
    read = settings_read_by(STARTS.get(function, function).partition(":")[2])
    assert len(read) > 1
    assert COMMANDS[name].settings == read, "deploy/commands.py lists a command's settings"


@pytest.mark.parametrize("name", PUBLIC)
def test_help_lists_the_settings_of_the_command_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse([name, "--help"])
    assert end.value.code == 0
    shown = {word.removeprefix("--") for word in capsys.readouterr().out.split() if word.startswith("--")}
    flags = {setting.replace("_", "-") for setting in Settings.model_fields}
    assert shown & flags == {s.replace("_", "-") for s in COMMANDS[name].settings | {"log_level", "data_dir"}}


def test_a_flag_that_a_command_does_not_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(["up", "--kafka-bootstrap", "here:9092"])
    assert end.value.code == 2
    assert "--kafka-bootstrap" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["nothing"]])
def test_what_commands_start_themselves_is_listed_nowhere(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    said = "".join(capsys.readouterr())
    assert all(name in said for name in PUBLIC)
    assert "worker-process" not in said
    assert parse(["worker-process", "--port", "1"]).command == "worker-process"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["user", "add"], "the following arguments are required: --name"),
        (["user", "add", "--name", " "], "--name: must not be empty"),
        (["user", "--name", "x"], "the following arguments are required: action"),
        (["user", "add", "--name", "x", "--role", "king"], "--role: invalid choice: 'king'"),
    ],
)
def test_a_user_without_name_or_role_gets_two_clear_lines(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parse(arguments)
    lines = capsys.readouterr().err.splitlines()
    assert (end.value.code, len(lines), said in lines[-1]) == (2, 2, True), lines


def test_version_tells_version_and_revision(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"eventide {build()}\n"
    assert str(build()).startswith(f"{build().version} (revision ")
