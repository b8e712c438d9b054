"""The worker's supervisor: what it starts again, and what ends it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from deploy.supervisor import MAX_FAILURES, RESTART, STOP_FOR_GOOD, keep_running
from schema.errors import ConfigError, EventsError
from tests.harness.deployment import attempt_eventide, environment_with

ONCE_MORE = "import sys; open(sys.argv[1], 'a').write('.'); n = len(open(sys.argv[1]).read()); "


def lives_until_error(tmp_path: Path, code: str, error: type[EventsError]) -> tuple[int, str]:
    """How often a program was run, whose exit is ``code``, a Python expression of its run's number ``n``."""
    runs = tmp_path / "runs"
    program = [sys.executable, "-I", "-S", "-c", f"{ONCE_MORE}sys.exit({code})", str(runs)]
    with pytest.raises(error) as raised:
        asyncio.run(asyncio.wait_for(keep_running(program, last_pause_seconds=0.0), 60))
    return len(runs.read_text()), str(raised.value)


def test_the_same_failure_again_and_again_ends_the_supervisor(tmp_path: Path) -> None:
    lives, text = lives_until_error(tmp_path, "1", EventsError)
    assert lives == MAX_FAILURES
    assert f"failed {MAX_FAILURES} times in a row" in text
    assert "exit code 1" in text


def test_a_lost_service_is_no_failure(tmp_path: Path) -> None:
    calls_for_help = f"{RESTART} if n % {MAX_FAILURES} == 0 and n < {3 * MAX_FAILURES} else 1"
    lives, _ = lives_until_error(tmp_path, calls_for_help, EventsError)
    assert lives == 3 * MAX_FAILURES


@pytest.mark.parametrize(("code", "error"), [(2, ConfigError), (STOP_FOR_GOOD, EventsError)])
def test_what_no_restart_mends_ends_it_at_once(tmp_path: Path, code: int, error: type[EventsError]) -> None:
    assert lives_until_error(tmp_path, str(code), error)[0] == 1


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    services = {"KAFKA_BOOTSTRAP": "127.0.0.1:9", "CLICKHOUSE_URL": "http://127.0.0.1:9/default"}
    settings = services | {"DATA_DIR": str(tmp_path / "file" / "data"), "PORT": "0"}
    ended = attempt_eventide(["worker"], environment_with(settings))
    assert (ended.returncode, "EVENTIDE_DATA_DIR" in ended.stderr) == (2, True)
