"""What an import tells on a terminal, and how it ends."""

from __future__ import annotations

import io

import pytest

from deploy.importing.progress import Progress, Stopped


class Terminal(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


def test_rate_share_and_time_left_are_told() -> None:
    progress = Progress(total=400)
    progress.points(3000)
    assert progress.text(10) == "0 runs, 3000 points, 300 points/s"
    progress.run(weight=100)
    assert progress.text(10) == "1 runs, 3000 points, 300 points/s, 25 %, 0:00:30 left"


def test_only_a_terminal_is_told() -> None:
    for out, is_told in ((io.StringIO(), False), (Terminal(), True)):
        progress = Progress(out=out)
        progress.message("a line")
        progress.close()
        assert out.getvalue().endswith("eventide: a line\n") is not is_told
        assert "eventide: a line\n" in out.getvalue()


def test_a_stopped_import_takes_no_more() -> None:
    progress = Progress()
    progress.stop()
    with pytest.raises(Stopped):
        progress.points(0)
