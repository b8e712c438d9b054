"""Console output in pieces of any size -> lines, as a terminal shows them at last."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.importers.records import Line, Lines

MAX_LINE = 64 << 10  # characters; longer ones are cut into several


class Console:
    """The output of one run, by stream."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[str, int]] = {}

    def write(self, stream: int, text: str, time: int) -> Iterator[Lines]:
        """Take a piece of output; yield the lines that it ends. ``time``: ms since the epoch."""
        before, _ = self._open.get(stream, ("", 0))
        *whole, rest = (before + text).split("\n")
        if len(rest) > MAX_LINE:
            whole, rest = [*whole, rest], ""
        self._open[stream] = (rest, time)
        if whole:
            yield Lines([self._line(line, time) for line in whole])

    def end(self) -> Iterator[Lines]:
        """Yield the lines that were never ended."""
        for text, time in self._open.values():
            if text:
                yield Lines([self._line(text, time)])
        self._open.clear()

    @staticmethod
    def _line(text: str, time: int) -> Line:
        """Return a line; of a progress bar, which returns to the start of its line, what it says at last."""
        return Line(time, text.rstrip("\r").rpartition("\r")[2])
