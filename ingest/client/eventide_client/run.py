"""A run: what a training reports, from one process or many."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, SupportsFloat, cast

from eventide_client import figures, images, sync
from eventide_client.api import Api
from eventide_client.configuration import Configuration
from eventide_client.delivery import Delivery
from eventide_client.event_lines import IMAGE, PLOT, EventLines, metric_and_variant
from eventide_client.host_metrics import HostMonitor
from eventide_client.pipeline import Encode, Pipeline
from eventide_client.ranks import Place
from eventide_client.scalars import are_constant, plain
from eventide_client.spool import Spool, SpoolFull

FINISH_SECONDS = 60.0
COMPLETED, FAILED, STOPPED = "completed", "failed", "stopped"

logger = logging.getLogger("eventide_client")


@dataclass(frozen=True)
class Own:
    """What a process of a run has to itself."""

    spool: Spool
    pipeline: Pipeline


class Run:
    """A task that is being reported to. Safe for concurrent use, and in processes that are forked from this one.

    ``id``: of the task. Nothing here waits for the server, but ``finish``.
    """

    def __init__(
        self, configuration: Configuration, described: Mapping[str, Any], place: Place, *, monitors: bool
    ) -> None:
        self.id: str = described["id"]
        self._configuration = configuration
        self._described = described
        self._place = place
        self._step = -1
        self._own: Own | None = None
        self._encoder = EventLines(self.id)
        self._is_finished = self._is_forked = False
        self._started()
        self._monitor = HostMonitor(self._log_monitored, is_named=place.rank != 0) if monitors else None

    def log(self, values: Mapping[str, SupportsFloat], step: int | None = None) -> None:
        """Report scalars by key: ``{"loss/train": 0.1}``. Without a step that after the last is meant.

        Takes numbers, and whatever ``float`` makes one of: arrays and tensors of one element are read at once. Raises
        TypeError and ValueError for anything else.
        """
        self._step = step = self._step + 1 if step is None else int(step)
        taken = cast("dict[str, float]", dict(values)) if are_constant(values) else plain(values)
        if taken:
            (self._own or self._started()).pipeline.put(self._encoder.scalars, taken, step, time.time())

    def log_summary(self, values: Mapping[str, SupportsFloat]) -> None:
        """Report single values, which have no step."""
        self._put(partial(self._encoder.summary, plain(values), _now()))

    def log_text(self, text: str, level: str = "info") -> None:
        """Report a line of the console."""
        self._put(partial(self._encoder.log, str(text), level, _now()))

    def log_plot(self, key: str, figure: object, step: int | None = None) -> None:
        """Report a figure of plotly, as an object or as a dictionary; one of matplotlib becomes an image.

        Raises TypeError for anything else.
        """
        if hasattr(figure, "savefig"):
            self.log_image(key, figure, step)
        else:
            self._put_plot(key, figures.plotly_text(figure), step)

    def log_histogram(self, key: str, values: Sequence[float], step: int | None = None, bins: int = 64) -> None:
        """Report how values are distributed: counts of so many bins. NaN and infinities are left out."""
        self._put_plot(key, figures.histogram(values, bins), step)

    def log_table(
        self, key: str, rows: Sequence[Sequence[object]], columns: Sequence[str], step: int | None = None
    ) -> None:
        """Report a table. Raises ValueError if a row has another length than ``columns``."""
        self._put_plot(key, figures.table(rows, columns), step)

    def log_image(self, key: str, image: object, step: int | None = None) -> None:
        """Report an image: a file's path, bytes of a PNG or JPEG, a PIL image, a figure of matplotlib, or an array.

        An array is height x width (x 1, 3 or 4 channels), of whole numbers 0 to 255 or floats 0 to 1. Raises TypeError
        and ValueError.
        """
        step, content, (metric, variant) = self._at(step), images.encoded(image), metric_and_variant(key)
        path = self._file_path(metric, variant, step, images.ending(content))
        try:
            self._started().spool.add_file(path.encode() + b"\n" + content)
        except SpoolFull as error:
            logger.error("eventide: an image is dropped: %s", error)
            return
        url = f"{self._configuration.files}/{images.quoted(path)}"
        self._put(partial(self._encoder.event, IMAGE, metric, variant, step, _now(), url=url, key=path))

    def flush(self, seconds: float = FINISH_SECONDS) -> bool:
        """Wait until all that was logged is in the spool, so long at most; tell whether it is."""
        return self._own is None or self._own.pipeline.flush(seconds)

    def finish(self, status: str = COMPLETED, message: str = "", seconds: float = FINISH_SECONDS) -> bool:
        """End the run as ``completed``, ``failed`` or ``stopped``; tell whether the server has everything.

        Waits for so long at most. What is left stays in the spool, for ``eventide sync``.
        """
        if (own := self._own) is None:
            return True
        if self._monitor:
            self._monitor.stop()
        if own.pipeline.dropped:
            self.log_text(f"{own.pipeline.dropped} calls were dropped for want of room on the disk", "warning")
        self._is_finished, self._own = True, None
        own.spool.finish({"status": status, "message": message})
        is_sent = own.pipeline.close(seconds)
        if is_sent:
            own.spool.discard()
            sync.send_spools_of(self.id, self._configuration)
        else:
            logger.warning("eventide: not all was sent. `eventide sync %s` does it", own.spool.folder)
            own.pipeline.after_end(own.spool.release)
        return is_sent

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.finish()
        elif issubclass(kind, KeyboardInterrupt):
            self.finish(STOPPED, "Interrupted")
        else:
            self.finish(FAILED, f"{kind.__name__}: {error}")

    def forked(self) -> None:
        """Begin anew in a process that was forked: its spool and threads are its own, made when it logs something."""
        if self._own:
            self._own.spool.abandon()
        self._own = self._monitor = None
        self._is_forked = True
        self._encoder = EventLines(self.id)
        self._described = {**self._described, "is_primary": False}

    def _started(self) -> Own:
        """Return this process's spool and threads, made at their first use. Raises RuntimeError after ``finish``."""
        if self._is_finished:
            raise RuntimeError(f"run {self.id} is finished")
        if self._own is None:
            self._own = _own(self._configuration, self._described)
            if self._is_forked and "multiprocessing.util" in sys.modules:  # whose processes end without ``atexit``
                sys.modules["multiprocessing.util"].Finalize(None, self.finish, exitpriority=0)
        return self._own

    def _log_monitored(self, values: Mapping[str, float], seconds: int) -> None:
        if values and not self._is_finished:
            self._put(partial(self._encoder.scalars, values, seconds, time.time()))

    def _put(self, encode: Encode) -> None:
        (self._own or self._started()).pipeline.put(encode)

    def _put_plot(self, key: str, text: str, step: int | None) -> None:
        names = metric_and_variant(key)
        self._put(partial(self._encoder.event, PLOT, *names, self._at(step), _now(), plot_str=text))

    def _at(self, step: int | None) -> int:
        """Return the step of something that is no scalar: without one, that of the last scalars."""
        return max(0, self._step) if step is None else int(step)

    def _file_path(self, metric: str, variant: str, step: int, ending: str) -> str:
        """Return where a file of this run lies, as the SDK names them: permissions follow from the task's id in it."""
        project, name = (images.path_part(self._described[part]) for part in ("project", "name"))
        folder = f"{project}/{name}.{self.id}/metrics/{images.path_part(metric)}/{images.path_part(variant)}"
        return f"{folder}/{step:08d}-{self._place.rank}{ending}"


def _own(configuration: Configuration, described: Mapping[str, Any]) -> Own:
    spool = Spool.create(configuration.spool, described, configuration.max_spool_bytes)
    delivery = Delivery(spool, Api(configuration, described["worker"]))
    return Own(spool, Pipeline(spool, delivery, configuration.max_block_seconds))


def _now() -> int:
    return int(time.time() * 1000)
