"""The command line's arguments: every setting that a command reads is a flag of it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from deploy.commands import COMMANDS, Command
from schema.api.project_roles import PROJECT_ROLES
from schema.api.scopes import FULL, SCOPES
from schema.build import build
from schema.quotas.kinds import Kind
from schema.settings import Settings, default_text

DESCRIPTION = "An event store for machine-learning experiments"
USAGES = {
    "import": "import SOURCE --project NAME",
    "export": "export --project NAME --out DIRECTORY",
    "runs": "runs [FILTER]",
    "show": "show TASK",
    "compare": "compare TASK TASK…",
    "tail": "tail TASK",
    "sync": "sync [DIRECTORY]",
    "backup": "backup DIRECTORY",
    "restore": "restore DIRECTORY",
    "user": "user add|list|role|delete|revoke --name NAME",
    "quota": "quota list|set|unset|usage --company NAME --kind KIND --limit NUMBER",
    "key": "key create|list|revoke",
    "member": "member set|list|remove",
    "dlq": "dlq list|show|replay",
}
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line. Exits with 2, and a line on stderr, if it is none; with 0 after ``--help``."""
    adds = list(arguments[:2]) == ["user", "add"]
    return _parser(arguments[0] if arguments else "", needs_name=adds).parse_args(arguments)


def _parser(first: str, *, needs_name: bool = False) -> argparse.ArgumentParser:
    """Return the parser of all commands; of internal commands only of ``first``, if it is one."""
    root = argparse.ArgumentParser(prog="eventide", description=DESCRIPTION)
    root.add_argument(
        "--version",
        action=PrintVersion,
        nargs=0,
        dest=argparse.SUPPRESS,
        default=argparse.SUPPRESS,
        help="print version and revision, and exit",
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        if not command.is_internal or name == first:
            usage = f"eventide {USAGES.get(name, name)} [options]"
            _add_arguments(
                commands.add_parser(name, help=command.summary, description=command.summary, usage=usage),
                name,
                command,
                needs_name,
            )
    return root


class PrintVersion(argparse.Action):
    """``--version``: asks for the build only then, as that takes a process of git's."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"eventide {build()}")
        parser.exit()


def _add_arguments(parser: argparse.ArgumentParser, name: str, command: Command, needs_name: bool) -> None:
    if name in OWN_ARGUMENTS:
        OWN_ARGUMENTS[name](parser, needs_name)
    settings = parser.add_argument_group(
        "settings", "each is an environment variable, too: --data-dir, EVENTIDE_DATA_DIR"
    )
    for setting, field in Settings.model_fields.items():
        if setting in command.settings or setting == "log_level":
            text = f"{field.description} (default: {default_text(field.default)})".replace("%", "%%")
            settings.add_argument(f"--{setting.replace('_', '-')}", help=text, metavar="VALUE")


def _add_user_arguments(parser: argparse.ArgumentParser, needs_name: bool) -> None:
    parser.add_argument("action", choices=("add", "list", "role", "delete", "revoke"))
    parser.add_argument("--name", required=needs_name, type=_text, help="of the person or program")
    parser.add_argument("--role", choices=("user", "admin", "root"), help="of a new user: user")
    parser.add_argument("--user", dest="user_id", help="the id, where a name is not enough (`user list`)")


def _add_quota_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("action", choices=("list", "set", "unset", "usage"))
    parser.add_argument("--kind", choices=tuple(Kind), help="what is limited")
    parser.add_argument("--limit", type=int, help="of `set`: the largest number allowed; 0: nothing")
    parser.add_argument("--project", help="id or name of a project of the company: the quota is its own")
    parser.add_argument("--user", help="id or name of a user of the company: the quota is theirs")


def _add_dlq_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("action", choices=("list", "show", "replay"))
    parser.add_argument("--offset", type=int, help="of one record, as `dlq list` shows it; else all")


def _add_key_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("action", choices=("create", "list", "revoke"))
    parser.add_argument("--name", type=_text, help="of the user whose keys are meant")
    parser.add_argument("--user", dest="user_id", help="the user's id, where a name is not enough (`user list`)")
    parser.add_argument(
        "--scope", choices=SCOPES, default=FULL, help="of a new key: write is for SDKs, read for dashboards"
    )
    parser.add_argument(
        "--expires-in", type=_seconds, metavar="TIME", help="of a new key: 90d, 12h, 30m; else it stays"
    )
    parser.add_argument("--label", help="of a new key")
    parser.add_argument("--key", dest="key_id", metavar="ACCESS_KEY", help="to revoke")


def _add_member_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("action", choices=("set", "list", "remove"))
    parser.add_argument("--project", type=_text, metavar="PATH", help="name of the project, as in team/experiments")
    parser.add_argument("--name", type=_text, help="of the user")
    parser.add_argument("--user", dest="user_id", help="the user's id, where a name is not enough (`user list`)")
    parser.add_argument("--role", choices=PROJECT_ROLES, help="in the project and those under it")


def _add_export_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("--project", type=_text, required=True, metavar="NAME", help="with the projects under it")
    parser.add_argument("--out", type=_text, required=True, metavar="DIRECTORY", help="a new one, or of an export")
    parser.add_argument("--format", choices=("parquet", "csv", "tensorboard"), default="parquet", help="of the tables")
    parser.add_argument("--jobs", type=int, choices=range(1, 33), default=2, metavar="N", help="tasks at once: 2")
    parser.add_argument("--json", dest="as_json", action="store_true", help="print the counts as one JSON object")


def _add_runs_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("text", metavar="FILTER", nargs="?", default="", help='"loss.val < 0.3 and status = running"')
    parser.add_argument("--project", default="", metavar="NAME", help="with the projects under it")
    parser.add_argument(
        "--columns",
        default="",
        metavar="A,B",
        help="name,loss.val.min,lr; else name,project,status,iteration,updated",
    )
    parser.add_argument("--order-by", default="", metavar="COLUMN", help="-COLUMN: descending; else -updated")
    parser.add_argument("--limit", type=int, choices=range(1, 1001), default=50, metavar="N", help="of the rows: 50")
    _add_json(parser)


def _add_show_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    _add_task(parser)
    parser.add_argument("--metric", default="", metavar="TEXT", help="only curves in whose metric/variant it is")
    _add_json(parser)


def _add_compare_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("tasks", metavar="TASK", type=_text, nargs="+", help="ids, or their last 8 characters")
    parser.add_argument(
        "--differences", dest="only_differences", action="store_true", help="leave out what is the same"
    )
    _add_json(parser)


def _add_tail_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    _add_task(parser)
    parser.add_argument("--lines", type=int, default=10, metavar="N", help="of the log from before: 10")
    _add_json(parser)


def _add_task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", type=_text, help="an id, or its last 8 characters")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON in place of a table")


def _add_sync_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("place", metavar="DIRECTORY", nargs="?", help="a spool, or a folder of spools")
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="try for so long, else once")


def _add_backup_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("place", metavar="DIRECTORY", type=_text, help="a new one")
    parser.add_argument("--base", metavar="DIRECTORY", type=_text, help="a whole backup: copy only what it has not")


def _add_restore_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("place", metavar="DIRECTORY", type=_text, help="a backup; its base must be there, too")


def _add_import_arguments(parser: argparse.ArgumentParser, _: bool) -> None:
    parser.add_argument("source", metavar="SOURCE", type=_text, help="a file or folder; its format is detected")
    parser.add_argument(
        "--project", type=_text, default="{project}", help="of the tasks; {project} stands for the source's own"
    )
    parser.add_argument(
        "--name", type=_text, default="{name}", help="of the tasks; {name} and {id} stand for those of the run"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and count, and write nothing")
    parser.add_argument("--verify", action="store_true", help="read every point back, and compare it with the source")
    parser.add_argument("--json", dest="as_json", action="store_true", help="print the counts as one JSON object")
    parser.add_argument(
        "--step-multiplier", type=float, default=1.0, metavar="N", help="of steps that are no whole numbers: 1"
    )
    parser.add_argument("--step-column", metavar="NAME", help="of a table, where its name does not tell")
    parser.add_argument("--jobs", type=int, choices=range(1, 33), default=4, metavar="N", help="runs at once: 4")


OWN_ARGUMENTS = {
    "import": _add_import_arguments,
    "export": _add_export_arguments,
    "runs": _add_runs_arguments,
    "show": _add_show_arguments,
    "compare": _add_compare_arguments,
    "tail": _add_tail_arguments,
    "sync": _add_sync_arguments,
    "backup": _add_backup_arguments,
    "restore": _add_restore_arguments,
    "user": _add_user_arguments,
    "quota": _add_quota_arguments,
    "key": _add_key_arguments,
    "member": _add_member_arguments,
    "dlq": _add_dlq_arguments,
}


def _seconds(argument: str) -> int:
    found = re.fullmatch(r"([1-9]\d{0,4})([smhd])", argument)
    if not found:
        raise argparse.ArgumentTypeError("a number with a unit is expected: 90d, 12h, 30m or 45s")
    return int(found[1]) * UNIT_SECONDS[found[2]]


def _text(argument: str) -> str:
    if not argument.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return argument
