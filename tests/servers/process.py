"""A server as a child process: it dies with us, listens on a port that stays free, and writes a log."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired

from tests.servers.looks import look

TIED = Path(__file__).with_name("tied.py")
TAIL_LINES = 40


class Unavailable(Exception):
    """This machine cannot run the server (no Java, no Docker, …); says why."""


class StartFailed(Exception):
    """The server was started and did not come up; carries the end of its log."""


class Process:
    """One command that can be started, signalled and started again. Its output is appended to `log`.

    On Linux it gets `death` when this process ends, however that ends. Not for concurrent use.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        death: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.log = log
        program, *arguments = map(str, command)
        self._command = [shutil.which(program) or program, *arguments]
        self._env, self._cwd = env, cwd
        self._user, self._death = user, death
        self._child: Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the newest run; raises RuntimeError before the first."""
        return self._started().pid

    @property
    def alive(self) -> bool:
        """Also true while paused."""
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        """Of the newest run; None while it runs."""
        return self._started().poll()

    def start(self) -> None:
        """Returns at once; see `wait_until`. Raises RuntimeError if it runs."""
        if self.alive:
            raise RuntimeError(f"{self._command[0]} runs already, as {self.pid}")
        self._child = _spawner().submit(self._spawn).result()

    def wait_until(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Block until `ready()`. Raises StartFailed if the process ends first or the time is up."""
        until = time.monotonic() + seconds
        while not look(ready, 0.03):
            if not self.alive:
                raise StartFailed(self._report(f"ended with {self._started().returncode}"))
            if time.monotonic() > until:
                raise StartFailed(self._report(f"not ready after {seconds:.0f} s"))

    def wait(self, seconds: float = 60) -> None:
        """Block until it has ended by itself. Raises StartFailed on an exit code other than 0, or if the time is up."""
        try:
            if code := self._started().wait(seconds):
                raise StartFailed(self._report(f"ended with {code}"))
        except TimeoutExpired as error:
            raise StartFailed(self._report(f"still running after {seconds:.0f} s")) from error

    def send(self, number: signal.Signals) -> None:
        """Does nothing if the process has ended."""
        if self.alive:
            self._started().send_signal(number)

    def pause(self) -> None:
        """SIGSTOP: it keeps its ports and its memory, and answers nothing."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, also while paused; returns when it is gone."""
        self.send(signal.SIGKILL)
        if self._child:
            self._child.wait()

    def terminate(self, seconds: float = 15, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, kill it when the time is up; returns its exit code (-9: it was killed)."""
        self.send(number)
        self.resume()
        try:
            return self._started().wait(seconds)
        except TimeoutExpired:
            self.kill()
            return self._started().returncode

    def _started(self) -> Popen[bytes]:
        if self._child is None:
            raise RuntimeError(f"{self._command[0]} was never started")
        return self._child

    def _spawn(self) -> Popen[bytes]:
        tie = [sys.executable, "-I", "-S", str(TIED), str(int(self._death)), str(os.getpid()), self._user or "-"]
        with self.log.open("ab") as log:
            return Popen(
                [*tie, *self._command],
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,  # the terminal's Ctrl-C is for pytest alone, which then stops the servers
            )

    def _report(self, reason: str) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
            return "\n".join([f"{self._command[0]}: {reason}; the end of {self.log}:", *lines])
        return f"{self._command[0]}: {reason}"


@cache
def _spawner() -> ThreadPoolExecutor:
    # The kernel sends the death signal when the *thread* that forked ends, so one thread that stays forks them all.
    return ThreadPoolExecutor(1, "spawner")


_handed_out: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses, and that no outgoing connection will be given while its server is down."""
    while True:
        # Linux gives ports from 32768 on to clients; one that retries a dead server there may even connect to itself.
        port = 20_000 + secrets.randbelow(12_768)
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1:port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
